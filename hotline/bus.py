"""How the line tells the world: momentary things once and now, ledger rows until the broker has them."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

import aiomqtt
import structlog

from hotline.clock import utc
from hotline.db.engine import Database
from hotline.db.models import advance, position
from hotline.records import ledger
from hotline.records.models import Record

RECORDS = "hotline/records/"
"""Ledger rows are published under this, one topic a kind."""
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.1, 5.0
ACKNOWLEDGE_SECONDS = 10.0
KEEPALIVE_SECONDS = 15
MOMENTARY_QUEUE = 1000
INCOMING_QUEUE = 10_000
OUTBOX_ROWS = 100
OUTBOX_IDLE_SECONDS = 2.0
"""Another process on this database may have appended a row that nobody here was told of."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Message:
    """A topic and its JSON object, as a subscriber sees it."""

    topic: str
    payload: dict[str, Any]


class Bus:
    """One process's connection to the broker at `url` (`mqtt://user:password@host:port`).

    `run()` is its only task; everything else may be called at any time, connected or not.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._client: aiomqtt.Client | None = None
        self._changed = asyncio.Condition()
        self._momentary: asyncio.Queue[tuple[str, str]] = asyncio.Queue(MOMENTARY_QUEUE)
        self.dropped = 0
        """Momentary messages that nobody will ever see."""

    @property
    def connected(self) -> bool:
        return self._client is not None

    async def run(self) -> None:
        """Stay connected: for ever, with growing pauses while the broker is away."""
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                async with connection(self._url) as client:
                    pause = FIRST_PAUSE_SECONDS
                    await self._attend(client)
            except (aiomqtt.MqttError, OSError) as error:
                log.warning("broker away", error=str(error), next_try_seconds=pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    def publish_momentary(self, topic: str, payload: Mapping[str, Any]) -> None:
        """QoS 0, from the loop's thread: never waits, never raises for the broker; dropped while it is away."""
        if self._client is None or self._momentary.full():
            self.dropped += 1
            return
        self._momentary.put_nowait((topic, _json(payload)))

    async def publish(self, topic: str, payload: Mapping[str, Any]) -> None:
        """QoS 1: returns when a broker has acknowledged it, however long that takes; may arrive twice."""
        body = _json(payload)
        while True:
            client = await self._connected_client()
            if await self._acknowledged(client, topic, body):
                return
            if self._client is client:  # connected, but it would not: no reason to try in a tight circle
                await asyncio.sleep(FIRST_PAUSE_SECONDS)

    async def _attend(self, client: aiomqtt.Client) -> None:
        """Until this connection is lost (MqttError): let publishers at it."""
        await self._set_client(client)
        log.info("broker connected")
        sender = asyncio.create_task(self._send_momentary(client))
        try:
            async for _ in client.messages:
                pass  # nothing is subscribed: this only waits for the loss
        finally:
            sender.cancel()
            await asyncio.gather(sender, return_exceptions=True)
            await self._set_client(None)
            while not self._momentary.empty():
                self._momentary.get_nowait()
                self.dropped += 1

    async def _send_momentary(self, client: aiomqtt.Client) -> None:
        while True:
            topic, body = await self._momentary.get()
            try:
                await client.publish(topic, body, qos=0)
            except aiomqtt.MqttError:
                self.dropped += 1

    async def _acknowledged(self, client: aiomqtt.Client, topic: str, body: str) -> bool:
        """Whether the broker took it; False as soon as this connection is lost."""
        sending = asyncio.create_task(client.publish(topic, body, qos=1, timeout=ACKNOWLEDGE_SECONDS))
        lost = asyncio.create_task(self._until(lambda: self._client is not client))
        try:
            await asyncio.wait({sending, lost}, return_when=asyncio.FIRST_COMPLETED)
            if not sending.done():
                return False
            sending.result()
            return True
        except aiomqtt.MqttError:
            return False
        finally:
            for task in (sending, lost):
                task.cancel()
            await asyncio.gather(sending, lost, return_exceptions=True)

    async def _connected_client(self) -> aiomqtt.Client:
        await self._until(lambda: self._client is not None)
        assert self._client is not None
        return self._client

    async def _until(self, condition: Callable[[], bool]) -> None:
        async with self._changed:
            await self._changed.wait_for(condition)

    async def _set_client(self, client: aiomqtt.Client | None) -> None:
        self._client = client
        async with self._changed:
            self._changed.notify_all()


async def run_outbox(bus: Bus, db: Database, notify: asyncio.Event) -> None:
    """Publish every ledger row in order, at least once, and remember how far the broker acknowledged.

    `notify` is set by whoever has committed a row in this process. A broker that dies may take along
    what it had acknowledged and not yet delivered: who must miss nothing uses `follow`.
    """
    while True:
        notify.clear()
        rows = await asyncio.to_thread(_owed, db)
        if not rows:
            await _wait(notify, OUTBOX_IDLE_SECONDS)
            continue
        for row in rows:
            await bus.publish(RECORDS + row.kind, message_of(row))
        await asyncio.to_thread(_told, db, rows[-1].seq)


async def follow(url: str, db: Database, after: int) -> AsyncIterator[dict[str, Any]]:
    """Every ledger row beyond number `after`, once each and in order, as `message_of` shows it; for ever.

    The bus only says when to look; what is read is the ledger, so no broker's death loses or repeats a row.
    """
    wake = asyncio.Event()

    async def listen() -> None:
        async for _ in subscribe(url, [RECORDS + "#"], on_subscribed=wake.set):
            wake.set()

    listening = asyncio.create_task(listen())
    try:
        while True:
            wake.clear()
            rows = await asyncio.to_thread(_after, db, after)
            for row in rows:
                yield message_of(row)
                after = row.seq
            if not rows:
                await _wait(wake, OUTBOX_IDLE_SECONDS)
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


async def subscribe(
    url: str, topics: Sequence[str], *, on_subscribed: Callable[[], None] | None = None
) -> AsyncIterator[Message]:
    """What arrives on `topics` (MQTT filters), for ever, reconnecting; QoS 1.

    Messages published while the connection was down are not repeated: who must miss nothing uses `follow`.
    `on_subscribed` is called after each connection, when the broker has taken the subscription.
    """
    pause = FIRST_PAUSE_SECONDS
    while True:
        try:
            async with connection(url) as client:
                await client.subscribe([(topic, 1) for topic in topics])
                pause = FIRST_PAUSE_SECONDS
                if on_subscribed:
                    on_subscribed()
                async for message in client.messages:
                    body = message.payload
                    assert isinstance(body, bytes | bytearray), "paho delivers bytes"
                    try:
                        payload = json.loads(body)
                    except ValueError:  # somebody else's, on a broker that is not only ours
                        log.warning("message is no JSON", topic=message.topic.value)
                        continue
                    yield Message(message.topic.value, payload)
        except (aiomqtt.MqttError, OSError) as error:
            log.warning("subscription lost", error=str(error), next_try_seconds=pause)
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE_SECONDS)


def message_of(row: Record) -> dict[str, Any]:
    """A ledger row as it travels; `at` in ISO 8601, UTC; `payload` null once erased."""
    return {
        "seq": row.seq,
        "at": utc(row.at).isoformat(),
        "actor": row.actor,
        "kind": row.kind,
        "subject": row.subject,
        "payload": None if row.payload is None else json.loads(row.payload),
        "hash": row.hash,
    }


def connection(url: str) -> aiomqtt.Client:
    """A client for `mqtt://user:password@host:port`, not yet connected; used with `async with`."""
    at = urlsplit(url)
    if at.scheme != "mqtt" or not at.hostname:
        raise ValueError("a broker's address looks like mqtt://user:password@host:port")
    return aiomqtt.Client(
        at.hostname,
        at.port or 1883,
        username=unquote(at.username) if at.username else None,
        password=unquote(at.password) if at.password else None,
        keepalive=KEEPALIVE_SECONDS,
        max_queued_incoming_messages=INCOMING_QUEUE,
        # Without it a small message waits for the one before to be acknowledged: 40 ms instead of 1.
        socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
    )


async def _wait(notify: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(notify.wait(), seconds)
    except TimeoutError:
        return


def _owed(db: Database) -> Sequence[Record]:
    with db.read() as session:
        return ledger.after(session, position(session, ledger.OUTBOX), OUTBOX_ROWS)


def _after(db: Database, seq: int) -> Sequence[Record]:
    with db.read() as session:
        return ledger.after(session, seq, OUTBOX_ROWS)


def _told(db: Database, seq: int) -> None:
    with db.write() as session:
        advance(session, ledger.OUTBOX, seq)


def _json(payload: Mapping[str, Any]) -> str:
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode(errors="replace").decode()
