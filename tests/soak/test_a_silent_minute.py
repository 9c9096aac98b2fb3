"""A caller who says nothing for a minute: he is kept, the tape is whole, the draft invents nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from reports import write_report
from stack import RATE_HZ, Stack


@pytest.mark.soak
def test_a_caller_who_is_silent_for_a_minute_is_kept_and_nothing_is_invented(new_stack: Callable[..., Stack]) -> None:
    stack = new_stack()
    outcome = stack.asked("call", "--linger", "60")
    tape = stack.books.tape(outcome["call_id"])
    write_report(
        Path("silent-minute.md"),
        "A caller who is silent for a minute",
        ["One call, nothing said after the greeting."],
        ["connected, s", "on tape, s", "loudest sample on the caller's side", "words heard", "fields left open"],
        [
            [
                f"{outcome['seconds']:.2f}",
                f"{len(tape) / RATE_HZ:.2f}",
                str(int(np.abs(tape[:, 0]).max())),
                outcome["transcript"] or "none",
                ", ".join(outcome["draft"]["missing"]),
            ]
        ],
    )
    assert outcome["state"] == "closed"
    assert outcome["transcript"] == ""
    assert len(tape) / RATE_HZ == pytest.approx(outcome["seconds"], abs=1.0)
    assert stack.processes()["card-0"]["restarts"] == 0
