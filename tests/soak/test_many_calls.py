"""Two hundred calls one after another: memory flat after the first sixty, no leg stuck (and a sample for each push)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from long_runs import ManyCalls, many_calls
from reports import percentile, write_report
from stack import Stack

SETTLED = 60
FLAT_MIB = 4.0
"""What a process may grow over 140 calls; a leak of one tape's second a call would be 4.5."""


def assert_whole(seen: ManyCalls) -> None:
    assert set(seen.statuses) == {200}
    assert seen.legs_left == 0
    assert seen.restarts == 0
    assert seen.ledger_whole
    assert seen.tape_ratio == pytest.approx(1.0, abs=0.05)
    assert seen.words == len(seen.statuses), "every call's words were heard"


def test_a_few_calls_one_after_another_leave_nothing_behind(new_stack: Callable[..., Stack]) -> None:
    assert_whole(many_calls(new_stack(), 5))


@pytest.mark.soak
def test_two_hundred_calls_one_after_another_leave_nothing_behind(new_stack: Callable[..., Stack]) -> None:
    seen = many_calls(new_stack(), 200)
    rows = [
        [
            name,
            f"{m[0]:.1f}",
            f"{m[SETTLED]:.1f}",
            f"{m[-1]:.1f}",
            f"{max(m):.1f}",
            f"{seen.growth(name, SETTLED):+.2f}",
        ]
        for name, m in seen.memory.items()
    ]
    write_report(
        Path("many-calls.md"),
        "Two hundred calls one after another",
        [
            f"{len(seen.statuses)} calls, {seen.statuses.count(200)} answered, in {seen.seconds / 60:.1f} minutes; "
            f"legs left {seen.legs_left}; processes restarted {seen.restarts}; "
            f"tape by connected seconds {seen.tape_ratio:.4f}; calls with words {seen.words}; "
            f"ledger {seen.ledger_rows} rows, {'whole' if seen.ledger_whole else 'BROKEN'}.",
            f"INVITE to 200 at the caller: p50 {percentile(seen.answer_ms, 50):.1f} ms, "
            f"p95 {percentile(seen.answer_ms, 95):.1f} ms, p99 {percentile(seen.answer_ms, 99):.1f} ms, "
            f"worst {max(seen.answer_ms):.1f} ms.",
        ],
        ["process", "MiB after 1", f"after {SETTLED}", "after 200", "highest", f"growth after {SETTLED} (medians)"],
        rows,
    )
    assert_whole(seen)
    assert percentile(seen.answer_ms, 95) < 100, "answered at once"
    for name in seen.memory:
        assert seen.growth(name, SETTLED) < FLAT_MIB, f"{name} grows"
