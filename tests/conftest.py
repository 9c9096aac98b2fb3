"""Hotlines for tests: one shared by those who only call it, and one of their own for those who break it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from stack import Stack

from asr_models import voice

SENTENCE = "金牛区抚琴街道燃气泄漏，味道很大"


@pytest.fixture(scope="session")
def spoken() -> bytes:
    """The sentence of the contract, as PCM."""
    return voice.speak(SENTENCE)


@pytest.fixture(scope="session")
def greeting_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("greeting")


@pytest.fixture(scope="session")
def shared_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Nobody may harm this one."""
    stack = Stack(tmp_path_factory.mktemp("shared")).start()
    yield stack
    assert stack.stop() == 0


@pytest.fixture
def new_stack(tmp_path: Path) -> Iterator[Callable[..., Stack]]:
    """Makes hotlines with the settings given (``new_stack(HOTLINE_CARDS="2")``); they are stopped at the end."""
    made: list[Stack] = []

    def make(**settings: str) -> Stack:
        var = tmp_path / f"var{len(made)}"
        var.mkdir()
        made.append(Stack(var, settings).start())
        return made[-1]

    yield make
    for stack in made:
        assert stack.stop() == 0
