"""What was committed reaches the subscribers, whatever happens to the broker; momentary words may be lost."""

import asyncio
import stat
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from datetime import UTC, datetime

import aiomqtt
import pytest

from hotline.bus import Bus, connection, follow, run_outbox, subscribe
from hotline.db.models import position
from hotline.records import ledger

AT = datetime(2026, 11, 22, 7, 18, 5, tzinfo=UTC)
PATIENCE = 60.0


async def beside(body: Callable[[], Awaitable[None]], *tasks: Awaitable[None]) -> None:
    """Run `body` while the tasks run; whichever fails first, fails the test."""
    running = [asyncio.ensure_future(task) for task in tasks]
    main = asyncio.ensure_future(body())
    try:
        async with asyncio.timeout(PATIENCE):
            await asyncio.wait({main, *running}, return_when=asyncio.FIRST_COMPLETED)
            for task in running:
                if task.done():
                    task.result()
            await main
    finally:
        for task in (main, *running):
            task.cancel()
        await asyncio.gather(main, *running, return_exceptions=True)


def append(db, first: int, last: int) -> None:
    with db.write() as session:
        for n in range(first, last + 1):
            ledger.append(session, at=AT, actor="line", kind="call_answered", subject=f"c{n}", payload={"n": n})


def told(db) -> int:
    with db.read() as session:
        return position(session, ledger.OUTBOX)


def test_one_user_passes_and_everybody_else_is_refused(broker):
    async def knock(url: str) -> None:
        async with asyncio.timeout(PATIENCE), connection(url):
            pass

    asyncio.run(knock(broker.url))
    for stranger in ("line:wrong@", "line:@", "other:s3cret@", ""):
        with pytest.raises(aiomqtt.MqttError):
            asyncio.run(knock(f"mqtt://{stranger}127.0.0.1:{broker.port}"))


def test_the_password_is_kept_as_a_hash_that_only_the_owner_reads(broker):
    file = broker.directory / "broker.passwd"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "s3cret" not in file.read_text()


def test_every_row_arrives_in_order_with_its_hash(broker, db):
    append(db, 1, 250)

    async def story() -> None:
        bus, notify, ready = Bus(broker.url), asyncio.Event(), asyncio.Event()
        seen = []

        async def listen() -> None:
            stream = subscribe(broker.url, ["hotline/records/#"], on_subscribed=ready.set)
            async with aclosing(stream):
                async for message in stream:
                    seen.append(message)
                    if message.payload["seq"] == 251:
                        return

        async def body() -> None:
            listening = asyncio.ensure_future(listen())
            await ready.wait()
            outbox = asyncio.ensure_future(run_outbox(bus, db, notify))
            await asyncio.to_thread(append, db, 251, 251)
            notify.set()
            await listening
            outbox.cancel()
            await asyncio.gather(outbox, return_exceptions=True)

        await beside(body, bus.run())
        assert [message.payload["seq"] for message in seen] == list(range(1, 252))
        assert seen[0].topic == "hotline/records/call_answered"
        with db.read() as session:
            row = ledger.after(session, 0, 1)[0]
        assert seen[0].payload == {
            "seq": 1,
            "at": "2026-11-22T07:18:05+00:00",
            "actor": "line",
            "kind": "call_answered",
            "subject": "c1",
            "payload": {"n": 1},
            "hash": row.hash,
        }

    asyncio.run(story())


def test_a_killed_broker_loses_no_row(broker, db):
    async def story() -> None:
        bus, notify, killed = Bus(broker.url), asyncio.Event(), asyncio.Event()
        heard: set[int] = set()
        followed: list[int] = []

        async def listen() -> None:
            async for message in subscribe(broker.url, ["hotline/records/+"]):
                heard.add(message.payload["seq"])
                if len(heard) == 40 and not killed.is_set():
                    broker.kill()
                    killed.set()

        async def body() -> None:
            await asyncio.to_thread(append, db, 1, 300)
            notify.set()
            await killed.wait()
            assert await asyncio.to_thread(told, db) < 300
            await asyncio.to_thread(append, db, 301, 320)
            await asyncio.to_thread(broker.start)
            async with aclosing(follow(broker.url, db, 0)) as rows:
                async for row in rows:
                    followed.append(row["seq"])
                    if row["seq"] == 320:
                        break
            # The outbox goes on where it was: the last row is acknowledged by the new broker.
            while await asyncio.to_thread(told, db) < 320:
                pass  # each look is a trip to the database

        await beside(body, bus.run(), run_outbox(bus, db, notify), listen())
        assert followed == list(range(1, 321))

    asyncio.run(story())


def test_a_follower_sees_each_row_once_even_when_it_is_appended_without_a_broker(broker, db):
    async def story() -> None:
        append(db, 1, 3)
        async with aclosing(follow(broker.url, db, 1)) as rows:
            assert [(await anext(rows))["seq"] for _ in range(2)] == [2, 3]
            broker.kill()
            append(db, 4, 4)
            async with asyncio.timeout(PATIENCE):
                assert (await anext(rows))["subject"] == "c4"

    asyncio.run(story())


def test_momentary_messages_cross_while_connected_and_are_counted_when_lost(broker):
    async def story() -> None:
        bus, subscribed = Bus(broker.url), asyncio.Event()
        bus.publish_momentary("hotline/live/c1", {"text": "路"})
        assert bus.dropped == 1

        async def body() -> None:
            stream = subscribe(broker.url, ["hotline/live/#", "hotline/up"], on_subscribed=subscribed.set)
            async with aclosing(stream):
                first = asyncio.ensure_future(anext(stream))
                await subscribed.wait()
                await bus.publish("hotline/up", {})
                assert (await first).topic == "hotline/up"
                bus.publish_momentary("hotline/live/c1", {"text": "路灯"})
                message = await anext(stream)
                assert message.payload == {"text": "路灯"}
            broker.kill()
            while bus.connected:
                bus.publish_momentary("hotline/live/c1", {"text": "路灯坏了"})
                await asyncio.sleep(0)
            bus.publish_momentary("hotline/live/c1", {"text": "路灯坏了"})
            assert bus.dropped >= 2

        await beside(body, bus.run())

    asyncio.run(story())
