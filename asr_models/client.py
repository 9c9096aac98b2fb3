"""A leg's side of the ears: sound goes in and is forgotten about, words come back as events.

Whatever happens to the ears, the call does not notice: sound that cannot be delivered is let go, and the hole
is reported with its call times, so that the words can be fetched from the tape afterwards.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from asr_models.words import Final, from_wire

HELD_SECONDS = 5.0  # of sound kept while a connection is being made
UNSENT_SECONDS = 4.0  # of sound the socket did not take, and the ears are given up
UNANSWERED_SECONDS = 15.0  # of sound they took without a word or a sign of life, likewise
RETRY_SECONDS = (0.1, 1.0)  # first and longest wait before the next attempt
_SHORTEST_HOLE_SECONDS = 0.02
_LINE_BYTES = 1 << 20

log = structlog.get_logger(__name__)


class EarsAway(Exception):
    """The ears could not be reached, went away, or refused."""


@dataclass(frozen=True)
class Started:
    """The ears listen, with this model, from this call time on."""

    model: str
    at: float


@dataclass(frozen=True)
class Partial:
    """What was said so far of the utterance in progress, subject to change.

    ``heard_until`` is the call time (seconds) before which every word is final: what it follows on.
    """

    text: str
    heard_until: float


@dataclass(frozen=True)
class Heard:
    """A finished utterance."""

    final: Final


@dataclass(frozen=True)
class Missed:
    """From `start` to `end` in call time nobody listened, or not to the end of an utterance."""

    start: float
    end: float
    reason: str


@dataclass(frozen=True)
class Stopped:
    """The end, once, after everything else: the stream had `seconds` of sound."""

    seconds: float


Event = Started | Partial | Heard | Missed | Stopped


class EarsStream:
    """One channel of a call. Made inside a running event loop, where `on_event` is called too.

    `offset_seconds` is the call time at which the sound begins.
    """

    def __init__(
        self,
        socket: Path,
        name: str,
        on_event: Callable[[Event], None],
        *,
        rate_hz: int = 8000,
        offset_seconds: float = 0.0,
    ) -> None:
        self._socket = socket
        self._name = name
        self._on_event = on_event
        self._rate_hz = rate_hz
        self._offset = offset_seconds
        self._fed_bytes = 0
        self._heard_until = offset_seconds
        self._text = ""
        self._reason = "the ears did not answer"
        self._writer: asyncio.StreamWriter | None = None
        self._unanswered_bytes = 0
        self._held: bytearray | None = bytearray()  # only while a connection is being made
        self._held_from = offset_seconds
        self._listened = False
        self._ending = asyncio.Event()
        self._task = asyncio.get_running_loop().create_task(self._listen(), name=f"ears {name}")

    def feed(self, pcm: bytes) -> None:
        """The next sound (16-bit PCM). Never blocks, never raises; ignored after `finish`."""
        if self._ending.is_set():
            return
        self._fed_bytes += len(pcm)
        if self._held is not None:
            self._hold(pcm)
        elif self._writer is not None:
            self._send(self._writer, pcm)

    async def finish(self, timeout_seconds: float = 5.0) -> None:
        """Ends the sound and waits for the last words; then, whatever came, one `Stopped` is told."""
        if self._ending.is_set():
            await asyncio.wait({self._task})
            return
        self._ending.set()
        if self._writer is not None:
            _end_sound(self._writer)
        try:
            await asyncio.wait({self._task}, timeout=timeout_seconds)
        finally:
            self._task.cancel()
            if not self._task.done():
                self._reason = "the ears did not finish in time"
            self._tell_hole(self._now, self._reason)
            self._tell(Stopped(self._fed_bytes // 2 / self._rate_hz))

    @property
    def _now(self) -> float:
        return self._offset + self._fed_bytes // 2 / self._rate_hz

    def _seconds(self, size: int) -> float:
        return size / 2 / self._rate_hz

    def _hold(self, pcm: bytes) -> None:
        assert self._held is not None
        self._held += pcm
        if self._seconds(len(self._held)) > HELD_SECONDS:
            self._held.clear()
            self._held_from = self._now

    def _send(self, writer: asyncio.StreamWriter, pcm: bytes) -> None:
        if writer.transport.is_closing():
            return
        self._unanswered_bytes += len(pcm)
        unsent = self._seconds(writer.transport.get_write_buffer_size())
        if unsent > UNSENT_SECONDS or self._seconds(self._unanswered_bytes) > UNANSWERED_SECONDS:
            self._lost("the ears did not take the sound")
            writer.transport.abort()
        else:
            writer.write(pcm)

    async def _listen(self) -> None:
        wait_seconds = RETRY_SECONDS[0]
        while True:
            self._listened = False
            if await self._one_connection() or self._ending.is_set():
                return
            wait_seconds = RETRY_SECONDS[0] if self._listened else min(2 * wait_seconds, RETRY_SECONDS[1])
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), wait_seconds)
                return

    async def _one_connection(self) -> bool:
        """From the knock to the loss; True if the ears said all there was to say."""
        writer = None
        try:
            if self._held is None:
                self._held, self._held_from = bytearray(), self._now
            reader, writer = await asyncio.open_unix_connection(str(self._socket), limit=_LINE_BYTES)
            began = round(self._held_from, 3)
            writer.write(_hello(self._name, self._rate_hz, began, "live") + self._held)
            self._writer, self._unanswered_bytes = writer, len(self._held)
            self._held = None
            if self._ending.is_set():
                _end_sound(writer)
            while line := await reader.readline():
                self._unanswered_bytes = 0
                if self._take(json.loads(line), began):
                    return True
            self._lost("the ears went away")
        except OSError as trouble:
            self._lost(f"the ears cannot be reached ({trouble.strerror or trouble})")
        except EarsAway as trouble:
            self._lost(str(trouble))
        except Exception as trouble:  # a fault of ours or a strange line: not worth a call
            self._lost(f"{type(trouble).__name__}: {trouble}")
        finally:
            if writer is not None:
                writer.transport.abort()
        return False

    def _lost(self, reason: str) -> None:
        """No connection from here on; the first reason is the one that counts."""
        if self._writer is not None or self._held is not None:
            # Every attempt of a long outage is not worth a warning.
            (log.warning if self._listened else log.debug)("ears lost", stream=self._name, reason=reason)
            self._reason = reason
        self._held = self._writer = None

    def _take(self, said: Mapping[str, Any], began: float) -> bool:
        """One event of the ears; True if it is the last."""
        match said["event"]:
            case "started":
                self._listened = True
                self._tell_hole(began, self._reason)
                self._tell(Started(said["model"], began))
            case "partial":
                self._advance(said["heard_until"])
                if said["text"] != self._text:
                    self._text = said["text"]
                    self._tell(Partial(self._text, self._heard_until))
            case "final":
                self._advance(said["heard_until"])
                self._text = ""
                self._tell(Heard(from_wire(said)))
            case "missed":
                self._advance(said["end"])
                self._text = ""
                self._tell(Missed(said["start"], said["end"], "the ears were overloaded"))
            case "stopped":
                self._advance(self._now)
                return True
            case "error":
                raise EarsAway(f"the ears refused: {said['message']}")
        return False

    def _tell_hole(self, end: float, reason: str) -> None:
        """What lies between the last sure word and `end` was missed, if it is long enough to be anything."""
        start = self._heard_until
        self._advance(end)
        if end - start >= _SHORTEST_HOLE_SECONDS:
            self._text = ""
            self._tell(Missed(round(start, 3), round(end, 3), reason))

    def _advance(self, heard_until: float) -> None:
        self._heard_until = max(self._heard_until, heard_until)

    def _tell(self, event: Event) -> None:
        try:
            self._on_event(event)
        except Exception:
            log.exception("ears event not taken", stream=self._name)


async def transcribe(
    socket: Path, pcm: bytes, *, rate_hz: int = 8000, offset_seconds: float = 0.0, name: str = "tape"
) -> list[Final]:
    """All utterances of a stretch of sound, for filling a hole from the tape. Raises `EarsAway`."""
    said = await _ask(socket, _hello(name, rate_hz, offset_seconds, "file") + pcm)
    if said[-1]["event"] == "error":
        raise EarsAway(f"the ears refused: {said[-1]['message']}")
    if said[-1]["event"] != "stopped":
        raise EarsAway("the ears went away before the end")
    return [from_wire(event) for event in said if event["event"] == "final"]


async def stats(socket: Path) -> dict[str, Any]:
    """The counters of the ears' process (`ears.Ears`). Raises `EarsAway`."""
    return (await _ask(socket, b'{"stats": true}\n'))[-1]


async def _ask(socket: Path, request: bytes) -> list[dict[str, Any]]:
    """Says all there is to say and returns all that is answered, at least one line."""
    try:
        reader, writer = await asyncio.open_unix_connection(str(socket), limit=_LINE_BYTES)
        try:
            writer.write(request)
            _end_sound(writer)
            said = [json.loads(line) async for line in reader]
        finally:
            writer.transport.abort()
    except (OSError, ValueError) as trouble:
        raise EarsAway(f"the ears cannot be asked ({trouble})") from trouble
    if not said:
        raise EarsAway("the ears said nothing")
    return said


def _hello(name: str, rate_hz: int, offset_seconds: float, pace: str) -> bytes:
    hello = {"stream": name, "rate_hz": rate_hz, "offset": offset_seconds, "pace": pace}
    return json.dumps(hello).encode() + b"\n"


def _end_sound(writer: asyncio.StreamWriter) -> None:
    with suppress(OSError, RuntimeError):  # gone already: the reader hears of it
        writer.write_eof()
