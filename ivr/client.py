"""How the line service talks to a card: commands with answers, facts as they happen."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from ivr.wire import LINE_LIMIT, Message, decode, encode

_MOMENTARY_QUEUED = 100
"""With more waiting to be read, what is momentary is no longer news; facts are always kept."""


class CardRefused(Exception):
    """The card understood and said no."""


class CardGone(Exception):
    """The card's process is away."""


class CardClient:
    """One connection to a card. ``facts`` ends when the card dies; commands then raise CardGone."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Message]] = {}
        self._facts: asyncio.Queue[Message | None] = asyncio.Queue()
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def connect(cls, socket_path: Path) -> CardClient:
        """Raises CardGone when no card listens there."""
        try:
            reader, writer = await asyncio.open_unix_connection(socket_path, limit=LINE_LIMIT)
        except OSError as error:
            raise CardGone(f"no card at {socket_path}: {error}") from None
        return cls(reader, writer)

    async def _read(self) -> None:
        try:
            while line := await self._reader.readline():
                message = decode(line)
                waiter = self._waiting.pop(message["re"], None) if "re" in message else None
                if waiter is not None and not waiter.done():
                    waiter.set_result(message)
                elif "n" in message or self._facts.qsize() < _MOMENTARY_QUEUED:
                    self._facts.put_nowait(message)
        except (ConnectionError, ValueError):
            pass
        finally:
            for waiter in self._waiting.values():
                if not waiter.done():
                    waiter.set_exception(CardGone("the card died"))
            self._facts.put_nowait(None)

    async def ask(self, do: str, **arguments: Any) -> Message:
        """Send a command, wait for its answer. Raises CardRefused or CardGone."""
        if self._reading.done():
            raise CardGone("the card died")
        number = next(self._ids)
        waiter: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._waiting[number] = waiter
        self._writer.write(encode({"id": number, "do": do, **arguments}))
        answer = await waiter
        if "error" in answer:
            raise CardRefused(answer["error"])
        return answer

    def tell(self, do: str, **arguments: Any) -> None:
        """Send a command whose answer does not matter; lost when the card is gone."""
        if self._reading.done():
            return
        self._writer.write(encode({"do": do, **arguments}))

    async def facts(self) -> AsyncIterator[Message]:
        """What happened, in order, until the card is gone."""
        while (fact := await self._facts.get()) is not None:
            yield fact

    async def close(self) -> None:
        self._reading.cancel()
        self._writer.close()
