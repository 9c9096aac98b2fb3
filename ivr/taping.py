"""From the bridge to tape and ears: a few times a second each taped leg's sound is carried on, in step and in time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, Protocol

import structlog

from ivr.keys import KeyDetector
from ivr.legs import Leg, SipLeg
from ivr.pcm import RATE_HZ
from ivr.sound import Pair, Solo
from ivr.wire import Message

log = structlog.get_logger()

PUMP_SECONDS = 0.1
_BEHIND_SECONDS = 0.5
"""A tape further behind the clock than this is filled with silence."""


class Tell(Protocol):
    """Carries what is to be said about a leg; ``keep`` False marks the momentary."""

    def __call__(self, message: Message, *, keep: bool = True) -> None: ...


class Tape(Protocol):
    """Where both sides of a taped leg go. Never blocks, never raises."""

    def write(self, left: bytes, right: bytes) -> None: ...


class Ears(Protocol):
    """Who listens to one leg. ``feed`` never blocks, never raises; ``finish`` returns when all was said."""

    def feed(self, pcm: bytes) -> None: ...
    async def finish(self) -> None: ...


class Recorder(Protocol):
    """The card's tapes and ears, handed in by the one place that wires."""

    def open_tape(self, leg_id: str, started_at: float, details: Message, tell: Tell) -> Tape: ...
    async def close_tape(self, leg_id: str, tape: Tape) -> Message: ...
    def open_ears(self, leg_id: str, offset_seconds: float, tell: Tell) -> Ears: ...


@dataclass
class Taping:
    """One taped leg: its tape, its ears, and the clock they share."""

    leg: Leg
    pair: Pair
    tape: Tape
    ears: Ears
    began: float
    """Monotonic second of the first sound."""
    keys: KeyDetector = field(default_factory=KeyDetector)
    samples: int = 0
    filled_samples: int = 0

    @property
    def seconds(self) -> float:
        return self.samples / RATE_HZ

    def pump(self) -> bytes:
        """Carry on what has come since the last time; gives the leg's own part of it."""
        left, right = self.pair.drain()
        due = int((time.monotonic() - self.began) * RATE_HZ)
        behind = due - self.samples - len(left) // 2
        if behind > _BEHIND_SECONDS * RATE_HZ:  # the bridge's clock stood still: the tape's must not
            silence = bytes(2 * behind)
            left, right = silence + left, silence + right
            self.filled_samples += behind
        if left:
            self.samples += len(left) // 2
            self.tape.write(left, right)
            self.ears.feed(left)
        return left


@dataclass
class Listening:
    """Another leg heard on a taped leg's timeline."""

    leg: Leg
    solo: Solo
    ears: Ears
    of: str
    """The taped leg whose call this is; with its end the listening ends."""
    keys: KeyDetector = field(default_factory=KeyDetector)

    def pump(self) -> bytes:
        pcm = self.solo.drain()
        self.ears.feed(pcm)
        return pcm


class Tapings:
    """All the sound of one card; lives on the event loop."""

    def __init__(self, recorder: Recorder, tell_of: TellOf) -> None:
        self._recorder = recorder
        self._tell_of = tell_of
        self._tapings: dict[str, Taping] = {}
        self._listenings: dict[str, Listening] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self.faults = 0

    def begin(self, leg: Leg, started_at: float, details: Message) -> None:
        assert leg.pair is not None
        tell = self._tell_of(leg.leg_id)
        self._tapings[leg.leg_id] = Taping(
            leg=leg,
            pair=leg.pair,
            tape=self._recorder.open_tape(leg.leg_id, started_at, details, tell),
            ears=self._recorder.open_ears(leg.leg_id, 0.0, tell),
            began=leg.answered_at or time.monotonic(),
        )

    def second(self, leg_id: str) -> float | None:
        """Where a taped leg's tape is, in seconds."""
        taping = self._tapings.get(leg_id)
        return round(taping.seconds, 2) if taping is not None else None

    def listen(self, leg: Leg, solo: Solo, of: str, speaker: str) -> None:
        """Ears for ``leg`` on the timeline of the taped leg ``of``. Raises ValueError when that is not taped."""
        taping = self._tapings.get(of)
        if taping is None:
            raise ValueError(f"leg {of} is not taped")
        if leg.leg_id not in self._listenings:
            tell = self._tell_of(leg.leg_id)
            tell({"event": "listening", "of": of, "speaker": speaker})

            def tell_as(message: Message, *, keep: bool = True) -> None:
                """What is kept nowhere has to say itself whose it is."""
                tell(message if keep else {"of": of, "speaker": speaker, **message}, keep=keep)

            ears = self._recorder.open_ears(leg.leg_id, taping.seconds, tell_as)
            self._listenings[leg.leg_id] = Listening(leg, solo, ears, of)

    async def pump_forever(self) -> None:
        while True:
            await asyncio.sleep(PUMP_SECONDS)
            sounds: list[Taping | Listening] = [*self._tapings.values(), *self._listenings.values()]
            for sound in sounds:
                try:
                    self._detect_keys(sound, sound.pump())
                except Exception as error:  # one leg's trouble is not the others'
                    self.faults += 1
                    log.error("sound of a leg stalled", leg=sound.leg.leg_id, error=repr(error))

    def _detect_keys(self, sound: Taping | Listening, pcm: bytes) -> None:
        leg = sound.leg
        if isinstance(leg, SipLeg) and leg.out_of_band_keys:
            return  # this phone sends its keys properly; its tones would be the same keys again
        for key in sound.keys.feed(pcm):
            self._tell_of(leg.leg_id)({"event": "key", "key": key, "how": "inband", "second": self.second(leg.leg_id)})

    def end(self, leg_id: str) -> None:
        """The leg is over: close its tape and its ears in their own time."""
        taping = self._tapings.pop(leg_id, None)
        if taping is not None:
            self._spawn(self._close(taping))
        for name, listening in list(self._listenings.items()):
            if leg_id in (name, listening.of):
                del self._listenings[name]
                listening.pump()
                self._spawn(listening.ears.finish())

    async def _close(self, taping: Taping) -> None:
        taping.pump()
        leg_id = taping.leg.leg_id
        closed = await self._recorder.close_tape(leg_id, taping.tape)
        self._tell_of(leg_id)({"event": "tape_closed", "filled_samples": taping.filled_samples, **closed})
        await taping.ears.finish()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._closing.add(task)
        task.add_done_callback(self._closed)

    def _closed(self, task: asyncio.Task[None]) -> None:
        self._closing.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("sound could not be closed", error=repr(task.exception()))

    async def until_closed(self, timeout_seconds: float) -> None:
        if self._closing:
            await asyncio.wait(self._closing, timeout=timeout_seconds)


class TellOf(Protocol):
    def __call__(self, leg_id: str) -> Tell: ...
