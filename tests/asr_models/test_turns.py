"""Whose turn it is at the decoders."""

import asyncio
import threading

import pytest

from asr_models.turns import Turns

PATIENCE_SECONDS = 30.0


class Worker:
    """The only one; it is busy until it is let go."""

    def __init__(self) -> None:
        self.turns = Turns(1)
        self._busy, self.go = threading.Event(), threading.Event()

    async def hold(self) -> asyncio.Task[None]:
        holding = asyncio.create_task(self.turns.take(self._wait))
        await asyncio.to_thread(self._busy.wait, PATIENCE_SECONDS)
        return holding

    def _wait(self) -> None:
        self._busy.set()
        assert self.go.wait(PATIENCE_SECONDS)


def test_short_turns_come_before_long_ones_and_each_in_its_order() -> None:
    async def scene() -> list[str]:
        worker = Worker()
        done: list[str] = []
        async with asyncio.timeout(PATIENCE_SECONDS):
            holding = await worker.hold()
            waiting = [
                asyncio.create_task(worker.turns.take(done.append, name, short=name.startswith("short")))
                for name in ("long 1", "short 1", "long 2", "short 2")
            ]
            await asyncio.sleep(0)  # all four stand in line
            worker.go.set()
            await asyncio.gather(holding, *waiting)
        worker.turns.close()
        return done

    assert asyncio.run(scene()) == ["short 1", "short 2", "long 1", "long 2"]


def test_what_a_turn_gives_or_raises_comes_back() -> None:
    async def scene() -> None:
        turns = Turns(2)
        assert await turns.take(int, "7") == 7
        with pytest.raises(ValueError, match="seven"):
            await turns.take(int, "seven")
        turns.close()

    asyncio.run(scene())


def test_a_turn_that_nobody_waits_for_any_more_is_left_out() -> None:
    async def scene() -> list[str]:
        worker = Worker()
        done: list[str] = []
        async with asyncio.timeout(PATIENCE_SECONDS):
            holding = await worker.hold()
            left = asyncio.create_task(worker.turns.take(done.append, "left"))
            await asyncio.sleep(0)
            left.cancel()
            await asyncio.gather(left, return_exceptions=True)
            worker.go.set()
            await holding
            await worker.turns.take(done.append, "after")
        worker.turns.close()
        return done

    assert asyncio.run(scene()) == ["after"]
