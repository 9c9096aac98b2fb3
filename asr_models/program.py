"""A module of ours run as a program of its own: one that may die, or that must not share a process with vosk."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE
from pathlib import Path


async def run(module: str, *arguments: str | Path, given: str = "", timeout_seconds: float) -> tuple[int, str]:
    """Its exit code, and the last line of its complaints; `given` is its standard input.

    It is killed where this is cancelled, and after `timeout_seconds`, which raises `TimeoutError`.
    """
    paths = [str(Path(__file__).parent.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", module, *map(str, arguments),
        stdin=PIPE, stdout=DEVNULL, stderr=PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
    )  # fmt: skip
    try:
        async with asyncio.timeout(timeout_seconds):
            _, complaints = await process.communicate(given.encode())
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()
    assert process.returncode is not None
    return process.returncode, complaints.decode(errors="replace").strip().rpartition("\n")[2]
