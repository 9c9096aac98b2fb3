"""A card killed in mid-call, again and again: how long its port is silent, how much sound is lost."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from long_runs import card_deaths
from reports import percentile, write_report
from stack import Stack


@pytest.mark.soak
def test_a_card_that_dies_in_mid_call_is_back_within_a_second_and_loses_half_a_second_at_most(
    new_stack: Callable[..., Stack],
) -> None:
    seen = card_deaths(new_stack(), 20)
    away, lost = seen.away_seconds, seen.lost_seconds
    write_report(
        Path("card-deaths.md"),
        "A card killed in mid-call, twenty times",
        ["Away: from kill -9 to the port's first answer. Lost: sound sent before the kill that is not on the tape."],
        ["", "p50", "p95", "worst"],
        [
            ["away, s", *[f"{percentile(away, p):.3f}" for p in (50, 95)], f"{max(away):.3f}"],
            ["lost, s", *[f"{percentile(lost, p):.3f}" for p in (50, 95)], f"{max(lost):.3f}"],
        ],
    )
    assert max(away) < 1.0
    assert max(lost) <= 0.5
