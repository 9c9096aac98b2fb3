"""Loads a model once in a process of its own, before the ears are given it: a spoilt one may end the process."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

from asr_models import catalogue, program

TIMEOUT_SECONDS = 900.0  # a large model, on a machine that is busy with calls
_SAID_NO = 3


class TrialFailed(Exception):
    """A model that whoever loads it would regret; the message says what became of it."""


async def trial(model: Path) -> None:
    """Raises `ModelBroken` if files are missing, and `TrialFailed` if it cannot be loaded."""
    catalogue.check(model)
    try:
        code, last_line = await program.run("asr_models.trial", model, timeout_seconds=TIMEOUT_SECONDS)
    except TimeoutError:
        raise TrialFailed(f"{model.name} was not loaded after {TIMEOUT_SECONDS:.0f} s: it is not used") from None
    if code == 0:
        return
    if code == _SAID_NO:
        raise TrialFailed(last_line)
    if code == -signal.SIGKILL:
        raise TrialFailed(f"{model.name} was not loaded: the machine has too little memory left for it")
    ended = signal.Signals(-code).name if code < 0 else f"exit code {code}"
    raise TrialFailed(
        f"{model.name} is spoilt: it ended the process that loaded it ({ended}; {last_line}). "
        "It is not used; remove it and install it anew"
    )


def _load(model: Path) -> None:
    # Calls go on meanwhile: they come first, and where memory runs out it is this process that goes.
    os.nice(10)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")

    from asr_models.recogniser import load

    try:
        load(model)
    except catalogue.ModelBroken as broken:
        print(broken, file=sys.stderr)
        sys.exit(_SAID_NO)


if __name__ == "__main__":
    _load(Path(sys.argv[1]))
