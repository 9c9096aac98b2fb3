"""One stream inside the ears: sound waits here for a decoder, and words go out as they are found.

A live stream is never made to wait: what the decoders cannot keep up with is let go, named, and found again
on the tape. Time is counted in audio throughout.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from asr_models.turns import Turns
from asr_models.words import Final, to_wire

JOB_SECONDS = 0.2  # sound a decoder takes at once, so that streams take turns
SHED_SECONDS = 1.0  # of sound waiting, and the partial words are no longer asked for
WAITING_SECONDS = 10.0  # of sound waiting, and it is let go
ALIVE_SECONDS = 1.0  # of sound heard without anything to say, and a sign of life goes out

Event = dict[str, Any]


class Listener(Protocol):
    """What a stream needs of a recogniser (`recogniser.Recogniser`)."""

    @property
    def seconds(self) -> float: ...
    @property
    def heard_until(self) -> float: ...
    @property
    def pausing(self) -> bool: ...
    def feed(self, pcm: bytes) -> list[Final]: ...
    def partial(self) -> str: ...
    def finish(self) -> list[Final]: ...


NewListener = Callable[[int, float], Listener]  # rate_hz, offset_seconds


@dataclass
class Counters:
    """What an operator can see of the ears since they started."""

    streams: int = 0
    streams_begun: int = 0
    decoded_seconds: float = 0.0
    shed_partials: int = 0
    dropped_seconds: float = 0.0


@dataclass(frozen=True)
class Hello:
    """The first line of a stream. `pace` is live (never waits, may lose) or file (waits, loses nothing)."""

    stream: str
    rate_hz: int
    offset: float
    live: bool


@dataclass
class _Waiting:
    """Sound that came and was not decoded yet, and where the latest gap before it ended, if there is one."""

    pcm: bytearray = field(default_factory=bytearray)
    gap_until: float | None = None
    ended: bool = False


class Hearing:
    """Decodes one stream: `take` and `end` from the socket's side, `run` until all is said."""

    def __init__(
        self,
        hello: Hello,
        new_listener: NewListener,
        turns: Turns,
        counters: Counters,
        tell: Callable[[Event], None],
    ) -> None:
        self.hello = hello
        self.missed: list[tuple[float, float]] = []
        self._new_listener = new_listener
        self._turns = turns
        self._counters = counters
        self._tell = tell
        self._waiting = _Waiting()
        self._taken_bytes = 0
        self._more = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._text = ""
        self._told_at = 0.0  # call time of the last sign of life

    @property
    def waiting_seconds(self) -> float:
        """Sound that waits to be decoded."""
        return len(self._waiting.pcm) / 2 / self.hello.rate_hz

    def take(self, pcm: bytes) -> None:
        """The next sound from the socket, in pieces of any size. Never blocks."""
        self._waiting.pcm += pcm
        self._taken_bytes += len(pcm)
        if self.waiting_seconds > WAITING_SECONDS:
            if self.hello.live:
                self._let_go()
            else:
                self._room.clear()
        self._more.set()

    async def room(self) -> None:
        """Waits, on a stream with file pace, until more sound may come."""
        await self._room.wait()

    def end(self) -> None:
        """No more sound will come."""
        self._waiting.ended = True
        self._more.set()

    async def run(self) -> None:
        """Decodes until the end of the sound; raises what the recogniser raises."""
        listener = await self._listen_from(self.hello.offset)
        while True:
            await self._enough()
            if self._waiting.gap_until is not None:
                listener = await self._over_the_gap(listener, self._waiting.gap_until)
            elif pcm := self._next_job():
                await self._decode(listener, pcm)
            elif self._waiting.ended:
                break
        for final in await self._turns.take(listener.finish, short=True):
            self._tell({"event": "final", **to_wire(final), "heard_until": listener.heard_until})
        self._tell({"event": "stopped", "seconds": round(self._now() - self.hello.offset, 3), "missed": self.missed})

    def _now(self) -> float:
        return self.hello.offset + self._taken_bytes // 2 / self.hello.rate_hz

    def _let_go(self) -> None:
        """All that waits goes, not only the newest: then the words that follow are of now, not of ten seconds ago."""
        self._counters.dropped_seconds += self.waiting_seconds
        del self._waiting.pcm[: len(self._waiting.pcm) // 2 * 2]  # half a sample belongs to what comes
        self._waiting.gap_until = round(self._now(), 3)

    async def _enough(self) -> None:
        while self.waiting_seconds < JOB_SECONDS and not self._waiting.ended and self._waiting.gap_until is None:
            self._more.clear()
            await self._more.wait()

    def _next_job(self) -> bytes:
        size = min(2 * round(JOB_SECONDS * self.hello.rate_hz), len(self._waiting.pcm) // 2 * 2)
        job = bytes(self._waiting.pcm[:size])
        del self._waiting.pcm[:size]
        if self.waiting_seconds <= WAITING_SECONDS / 2:
            self._room.set()
        return job

    async def _decode(self, listener: Listener, pcm: bytes) -> None:
        show = self.hello.live and self.waiting_seconds <= SHED_SECONDS
        if self.hello.live and not show:
            self._counters.shed_partials += 1
        # Sound after a pause began is most often more of the pause: hardly any work, and it brings the final words.
        finals, partial = await self._turns.take(_heard, listener, pcm, show, short=listener.pausing)
        self._counters.decoded_seconds += len(pcm) / 2 / self.hello.rate_hz
        for final in finals:
            self._text = ""
            self._tell({"event": "final", **to_wire(final), "heard_until": listener.heard_until})
        changed = partial is not None and partial != self._text
        if partial is not None:
            self._text = partial
        if changed or self.hello.offset + listener.seconds - self._told_at >= ALIVE_SECONDS:
            self._told_at = self.hello.offset + listener.seconds
            self._tell({"event": "partial", "text": self._text, "heard_until": listener.heard_until})

    async def _over_the_gap(self, listener: Listener, gap_until: float) -> Listener:
        """A new recogniser after sound was let go. What the old one had in progress lies in the gap too: half an
        utterance would only stand in the way of the whole one that the tape gives."""
        self._waiting.gap_until = None
        gap = (round(listener.heard_until, 3), gap_until)
        self.missed.append(gap)
        self._text = ""
        self._tell({"event": "missed", "start": gap[0], "end": gap[1]})
        return await self._listen_from(gap_until)

    async def _listen_from(self, offset: float) -> Listener:
        listener: Listener = await self._turns.take(self._new_listener, self.hello.rate_hz, offset, short=True)
        return listener


def _heard(listener: Listener, pcm: bytes, show: bool) -> tuple[list[Final], str | None]:
    finals = listener.feed(pcm)
    return finals, listener.partial() if show else None
