"""What happened on a card, numbered and kept until the one who commands it has acknowledged it."""

from __future__ import annotations

import asyncio
from collections import deque

from ivr.wire import Message, encode

_UNREAD_BYTES = 16 * 1024 * 1024


class Journal:
    """Facts are kept and repeated to a commander that comes back; momentary messages are only sent.

    Bounded: with nobody to acknowledge for very long the oldest facts go (``lost`` counts them); the tapes have
    markers of their own, so no call is lost with them.
    """

    def __init__(self, keep: int = 20_000) -> None:
        self._facts: deque[Message] = deque()
        self._keep = keep
        self._last = 0
        self._commander: asyncio.StreamWriter | None = None
        self._all_read = asyncio.Event()
        self.lost = 0

    def __len__(self) -> int:
        return len(self._facts)

    @property
    def commanded(self) -> bool:
        return self._commander is not None

    def fact(self, message: Message) -> None:
        self._last += 1
        message["n"] = self._last
        self._facts.append(message)
        self._all_read.clear()
        if len(self._facts) > self._keep:
            self._facts.popleft()
            self.lost += 1
        self.momentary(message)

    def momentary(self, message: Message) -> None:
        writer = self._commander
        if writer is None or writer.is_closing():
            return
        if writer.transport.get_write_buffer_size() > _UNREAD_BYTES:  # it has stopped reading: it may come again
            writer.transport.abort()
            return
        writer.write(encode(message))

    def subscribe(self, writer: asyncio.StreamWriter) -> None:
        """All facts not yet acknowledged again, then each as it happens. The last subscriber commands."""
        self._commander = writer
        for fact in self._facts:
            writer.write(encode(fact))

    def unsubscribe(self, writer: asyncio.StreamWriter) -> None:
        if self._commander is writer:
            self._commander = None

    def acknowledge(self, number: int) -> None:
        while self._facts and self._facts[0]["n"] <= number:
            self._facts.popleft()
        if not self._facts:
            self._all_read.set()

    async def until_read(self, timeout_seconds: float) -> None:
        """A card that stops gives its commander the chance to read the end of every call."""
        if self._facts and self._commander is not None:
            try:
                await asyncio.wait_for(self._all_read.wait(), timeout_seconds)
            except TimeoutError:
                return
