"""Real speech and real ears: sentences spoken once a run, and the ears' process as the house starts it."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from asr_models import catalogue
from asr_models.recogniser import Model, load
from asr_models.voice import speak

REPOSITORY = Path(__file__).parents[2]

EARS = """
import asyncio, sys
from pathlib import Path
from asr_models.ears import serve

socket, model, fallback = (Path(argument) for argument in sys.argv[1:])
asyncio.run(
    serve(socket, lambda: model, fallback, workers=2, look_seconds=0.1, on_ready=lambda: print("READY"))
)
"""


@cache
def spoken(text: str) -> bytes:
    return speak(text)


@pytest.fixture(scope="session")
def model() -> Model:
    return load(catalogue.EMBEDDED)


@pytest.fixture(scope="session")
def say() -> Callable[[str], bytes]:
    """A sentence as PCM with half a second of silence before it and one and a half after it."""
    return lambda text: bytes(8000) + spoken(text) + bytes(24000)


class EarsProcess:
    """A real ears' process; `wait_ready` returns its log up to the moment it serves."""

    def __init__(self, socket: Path, model: Path = catalogue.EMBEDDED, fallback: Path = catalogue.EMBEDDED) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-u", "-c", EARS, str(socket), str(model), str(fallback)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        )

    def wait_ready(self) -> str:
        assert self._process.stdout
        log = ""
        for line in self._process.stdout:
            if line == "READY\n":
                return log
            log += line
        raise AssertionError(f"the ears did not start:\n{log}")

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def end(self) -> int:
        self._process.kill()
        assert self._process.stdout
        self._process.stdout.close()
        return self._process.wait(60)


@pytest.fixture
def start_ears() -> Iterator[Callable[..., EarsProcess]]:
    started: list[EarsProcess] = []

    def start(socket: Path, *arguments: Path) -> EarsProcess:
        started.append(EarsProcess(socket, *arguments))
        return started[-1]

    yield start
    for process in started:
        process.end()


@pytest.fixture
def socket(tmp_path: Path) -> Path:
    return tmp_path / "ears.sock"
