"""Pages of the desk without a browser: real WebSockets to a real server, and what they were told."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvicorn
import websockets
from websockets.asyncio.client import ClientConnection, connect

from agent_desk.app import _Server
from hotline.bus import Bus
from hotline.clock import now
from hotline.events import Kind, words_topic
from hotline.records import ledger

PATIENCE = 60.0
CALL = "20261122-151805-0abcd"
SAID = {"speaker": "caller", "text": "电话幺三八幺二三四", "heard_until": 3.0}


def add_rows(desk, count: int, call_id: str = CALL) -> None:
    """One transaction each, as a line writes them."""
    for n in range(count):
        with desk.db.write() as session:
            ledger.append(session, at=now(), actor="line", kind=Kind.PROMPT_STARTED, subject=call_id, payload={"n": n})


@dataclass
class Page:
    """One open page: what it was sent, sign-of-life ticks left out."""

    socket: ClientConnection
    seen: list[dict[str, Any]] = field(default_factory=list)

    async def next(self, *kinds: str) -> dict[str, Any]:
        """The next message of these kinds; those before it are in `seen`."""
        while True:
            message = json.loads(await self.socket.recv())
            if message["type"] == "tick":
                continue
            self.seen.append(message)
            if message["type"] in kinds or not kinds:
                return message

    async def until_row(self, seq: int) -> None:
        while not self.rows or self.rows[-1] < seq:
            await self.next("record")

    async def until_closed(self) -> int:
        """The code it was closed with."""
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await self.next("nothing more")
        assert closed.value.rcvd is not None
        return closed.value.rcvd.code

    @property
    def rows(self) -> list[int]:
        return [message["seq"] for message in self.seen if message["type"] == "record"]


@dataclass
class Served:
    """A desk that is served on a loopback port, as its process serves it."""

    desk: Any
    port: int

    @asynccontextmanager
    async def page(self, name: str = "agent", after: int = 0, **more: Any) -> AsyncIterator[Page]:
        browser = await asyncio.to_thread(self.desk.browser, name)
        async with self.page_of(browser, after, **more) as page:
            yield page

    @asynccontextmanager
    async def page_of(self, browser: Any, after: int | str = 0, watch: str = "", **more: Any) -> AsyncIterator[Page]:
        """`watch`: the call that is looked at, which is a ledger row itself."""
        address = f"ws://127.0.0.1:{self.port}/api/live?after={after}" + (f"&watch={watch}" if watch else "")
        headers = {"Cookie": browser.cookie} if browser is not None else {}
        async with connect(address, additional_headers=headers, close_timeout=1, **more) as opened:
            yield Page(opened)


@asynccontextmanager
async def serving(
    desk: Any, send_bytes: int | None = None, begin: asyncio.Event | None = None
) -> AsyncIterator[Served]:
    """`send_bytes`: how much the system takes for a page that does not read; `begin`: when the ledger is followed."""

    async def tell() -> None:
        if begin is not None:
            await begin.wait()
        await desk.feed.run()

    listener = socket.socket()
    if send_bytes is not None:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_bytes)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    config = uvicorn.Config(desk.app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=3)
    server = _Server(config, desk.feed)
    telling, serving = asyncio.create_task(tell()), asyncio.create_task(server.serve([listener]))
    try:
        yield Served(desk, listener.getsockname()[1])
    finally:
        server.stop()
        await serving
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)


def play(story: Callable[[], Awaitable[None]]) -> None:
    async def patiently() -> None:
        async with asyncio.timeout(PATIENCE):
            await story()

    asyncio.run(patiently())


async def until(look: Callable[[], bool]) -> None:
    while not look():
        await asyncio.sleep(0.005)  # between two looks, never instead of an event


def numbers(first: int, last: int) -> list[int]:
    return list(range(first, last + 1))


@asynccontextmanager
async def speaking(url: str) -> AsyncIterator[Bus]:
    speaker = Bus(url)
    running = asyncio.create_task(speaker.run())
    try:
        yield speaker
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def heard_again(speaker: Bus, arrived: Callable[[], Awaitable[Any]]) -> Any:
    """Say it again and again until somebody hears it: nobody tells when a subscription has begun."""
    waiting = asyncio.ensure_future(arrived())
    while not waiting.done():
        await speaker.publish(words_topic(CALL), SAID)
        await asyncio.wait({waiting}, timeout=0.05)
    return waiting.result()
