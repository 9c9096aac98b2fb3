"""Whose turn it is at the decoders."""

import asyncio
import threading

import pytest

from asr_models.turns import Turns

PATIENCE_SECONDS = 30.0


def test_short_turns_come_before_long_ones_and_each_in_its_order() -> None:
    async def scene() -> list[str]:
        turns, busy, free = Turns(1), threading.Event(), threading.Event()
        done: list[str] = []

        def hold() -> None:
            busy.set()
            assert free.wait(PATIENCE_SECONDS)

        async with asyncio.timeout(PATIENCE_SECONDS), asyncio.TaskGroup() as all_of_them:
            all_of_them.create_task(turns.take(hold))
            await asyncio.to_thread(busy.wait, PATIENCE_SECONDS)
            for name, short in (("long 1", False), ("short 1", True), ("long 2", False), ("short 2", True)):
                all_of_them.create_task(turns.take(done.append, name, short=short))
            await asyncio.sleep(0)  # all four stand in line
            free.set()
        turns.close()
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
        turns, busy, free = Turns(1), threading.Event(), threading.Event()
        done: list[str] = []

        def hold() -> None:
            busy.set()
            assert free.wait(PATIENCE_SECONDS)

        async with asyncio.timeout(PATIENCE_SECONDS):
            holding = asyncio.create_task(turns.take(hold))
            await asyncio.to_thread(busy.wait, PATIENCE_SECONDS)
            left = asyncio.create_task(turns.take(done.append, "left"))
            await asyncio.sleep(0)
            left.cancel()
            await asyncio.gather(left, return_exceptions=True)
            free.set()
            await holding
            await turns.take(done.append, "after")
        turns.close()
        return done

    assert asyncio.run(scene()) == ["after"]
