"""What dies is started again; what cannot work says so; what is stopped stays down."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from hotline.supervisor import EX_CONFIG, CannotStart, Program, Spare, Supervisor

READY = "import hotline.notify; hotline.notify.ready(); "
FOREVER = READY + "import time; time.sleep(600)"


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Program]:
    """Makes a program out of a line of Python."""
    folder = tmp_path / "modules"
    folder.mkdir()
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), str(Path(__file__).parents[2])]))

    def make(name: str, code: str) -> Program:
        (folder / f"program_{name}.py").write_text(code)
        return Program(name, (f"program_{name}",))

    return make


async def until(look: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not look():
            await asyncio.sleep(0.02)


def supervisor(tmp_path: Path, programs: list[Program], spare: Program | None = None) -> Supervisor:
    arguments = spare.arguments if spare else ("this",)
    return Supervisor(programs, Spare(arguments, {}), tmp_path / "processes.json", tmp_path / "log")


def pid(tmp_path: Path, name: str) -> int:
    found: int = json.loads((tmp_path / "processes.json").read_text())[name]["pid"]
    return found


def test_a_program_that_is_killed_runs_again(tmp_path: Path, module: Callable[[str, str], Program]) -> None:
    async def story() -> None:
        line = supervisor(tmp_path, [module("one", FOREVER)])
        await line.start()
        before = pid(tmp_path, "one")
        os.kill(before, signal.SIGKILL)
        await until(lambda: pid(tmp_path, "one") != before)
        after = pid(tmp_path, "one")
        await line.stop()
        with pytest.raises(ProcessLookupError):
            os.kill(after, 0)

    asyncio.run(story())


def test_a_program_that_says_it_cannot_work_stops_the_start_with_its_own_words(
    tmp_path: Path, module: Callable[[str, str], Program]
) -> None:
    bad = f"import sys; print('the port is taken', file=sys.stderr); sys.exit({EX_CONFIG})"

    async def story() -> None:
        line = supervisor(tmp_path, [module("good", FOREVER), module("bad", bad)])
        with pytest.raises(CannotStart, match="bad: the port is taken"):
            await line.start()
        with pytest.raises(ProcessLookupError):
            os.kill(pid(tmp_path, "good"), 0)

    asyncio.run(story())


def test_the_spare_takes_the_place_of_the_one_that_died(tmp_path: Path, module: Callable[[str, str], Program]) -> None:
    spare = module(
        "spare", READY + "import sys; print(sys.stdin.readline(), file=sys.stderr); import time; time.sleep(600)"
    )
    one = module("one", FOREVER)

    async def story() -> None:
        line = supervisor(tmp_path, [Program(one.name, one.arguments, spared=True)], spare)
        await line.start()
        await until(lambda: "spare" in (tmp_path / "processes.json").read_text())
        before = pid(tmp_path, "one")
        os.kill(before, signal.SIGKILL)
        await until(lambda: pid(tmp_path, "one") != before)
        await until(lambda: "arguments" in (tmp_path / "log").read_text())
        await until(lambda: "spare" in (tmp_path / "processes.json").read_text())  # and the next one is on its way
        await line.stop()

    asyncio.run(story())


def test_a_line_without_end_in_a_log_does_not_stop_the_program(
    tmp_path: Path, module: Callable[[str, str], Program]
) -> None:
    chatty = (
        READY
        + "import sys, time; sys.stderr.write('x' * 200_000); sys.stderr.flush(); open('%s', 'w'); time.sleep(600)"
    )
    done = tmp_path / "done"

    async def story() -> None:
        line = supervisor(tmp_path, [module("chatty", chatty % done)])
        await line.start()
        await until(done.exists)
        await line.stop()

    asyncio.run(story())


def test_what_is_not_vital_holds_nothing_up_and_is_tried_again(
    tmp_path: Path, module: Callable[[str, str], Program], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hotline.supervisor._PATIENT_PAUSE_SECONDS", 0.05)
    free = tmp_path / "port-is-free"
    look = f"if not pathlib.Path({str(free)!r}).exists(): print('port taken'); sys.exit({EX_CONFIG})\n"
    desk = replace(module("desk", "import sys, pathlib\n" + look + FOREVER), vital=False)

    async def story() -> None:
        whole = supervisor(tmp_path, [desk, module("line", FOREVER)])
        await whole.start()  # though the desk cannot
        assert whole.children["desk"].failure == "port taken"
        free.touch()
        await until(whole.children["desk"].ready.is_set)
        assert whole.children["desk"].failure is None
        await whole.stop()

    asyncio.run(story())


def test_what_is_not_vital_and_says_nothing_is_not_waited_for_long(
    tmp_path: Path, module: Callable[[str, str], Program], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hotline.supervisor._SETTLE_SECONDS", 0.2)
    silent = replace(module("desk", "import time; time.sleep(600)"), vital=False)

    async def story() -> None:
        whole = supervisor(tmp_path, [silent, module("line", FOREVER)])
        await whole.start()
        assert not whole.children["desk"].settled.is_set()
        assert whole.children["line"].ready.is_set()
        await whole.stop()

    asyncio.run(story())
