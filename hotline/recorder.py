"""Tape and ears of a card's legs: where the line, the tape and recognition meet without knowing each other."""

from __future__ import annotations

import asyncio
import hashlib
import zlib
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog

from asr_models.client import EarsStream, Event, Heard, Missed, Partial, Started
from asr_models.words import to_wire
from ivr.pcm import RATE_HZ
from ivr.taping import Tell
from recordings import vault
from recordings.tape import Tape, TapeClosed, TapeHealth
from recordings.vault import OpenTape

log = structlog.get_logger()

_CLOSE_SECONDS = 60.0
"""How long the end of a tape waits for a disk that is full."""
_LAST_WORDS_SECONDS = 10.0


class Recorder:
    """One a card; satisfies ``ivr.taping.Recorder``. Lives on the card's event loop."""

    def __init__(self, recordings: Path, ears: Sequence[Path]) -> None:
        self._recordings = recordings
        self._ears = ears
        self._marking: set[asyncio.Task[None]] = set()

    def open_tape(self, leg_id: str, started_at: float, details: dict[str, Any], tell: Tell) -> Tape | NoTape:
        began = datetime.fromtimestamp(int(started_at), UTC)
        path = vault.tape_path(self._recordings, leg_id, began)
        relative = path.relative_to(self._recordings).as_posix()
        loop = asyncio.get_running_loop()

        def on_health(health: TapeHealth) -> None:  # called in the tape's own thread
            if health.ok:
                message = {"event": "tape_recovered", "lost_samples": health.lost_samples}
            else:
                message = {"event": "tape_failed", "reason": health.reason}
            loop.call_soon_threadsafe(tell, message)

        tell({"event": "tape_started", "path": relative, "rate_hz": RATE_HZ})
        task = asyncio.create_task(self._mark(OpenTape(leg_id, relative, began, details)))
        self._marking.add(task)
        task.add_done_callback(self._marking.discard)
        try:
            return Tape(path, rate_hz=RATE_HZ, on_health=on_health)
        except OSError as error:  # the vault is closed to us: the call goes on, and is listened to
            log.error("no tape", call=leg_id, error=str(error))
            tell({"event": "tape_failed", "reason": str(error)})
            return NoTape()

    async def _mark(self, tape: OpenTape) -> None:
        """So that the tape is found and linked even if this process and the line service both die."""
        try:
            await asyncio.to_thread(vault.mark_open, self._recordings, tape)
        except OSError as error:
            log.error("tape could not be marked open", call=tape.call_id, error=str(error))

    async def close_tape(self, leg_id: str, tape: Any) -> dict[str, Any]:
        closed: TapeClosed = await asyncio.to_thread(tape.close, _CLOSE_SECONDS)
        return {"samples": closed.samples, "sha256": closed.sha256, "lost_samples": closed.lost_samples}

    def open_ears(self, leg_id: str, offset_seconds: float, tell: Tell) -> Listener:
        # by the call's name, so that all legs of one call need not share a process, nor all calls
        ears = self._ears[zlib.crc32(leg_id.encode()) % len(self._ears)]
        return Listener(ears, leg_id, offset_seconds, tell)


class NoTape:
    """Stands in where no tape can be had."""

    def write(self, left: bytes, right: bytes) -> None:
        """Nowhere to write it."""

    def close(self, timeout_seconds: float) -> TapeClosed:
        return TapeClosed(0, 0.0, hashlib.sha256().hexdigest(), 0)


class Listener:
    """One leg's ears; satisfies ``ivr.taping.Ears``."""

    def __init__(self, ears: Path, leg_id: str, offset_seconds: float, tell: Tell) -> None:
        self._tell = tell
        self._stream = EarsStream(ears, leg_id, self._hear, rate_hz=RATE_HZ, offset_seconds=offset_seconds)

    def feed(self, pcm: bytes) -> None:
        self._stream.feed(pcm)

    async def finish(self) -> None:
        await self._stream.finish(_LAST_WORDS_SECONDS)

    def _hear(self, event: Event) -> None:
        match event:
            case Partial():
                self._tell({"event": "words", **asdict(event)}, keep=False)
            case Heard(final):
                self._tell({"event": "heard", **to_wire(final)})
            case Started(model, _):
                self._tell({"event": "ears_started", "model": model})
            case Missed():
                self._tell({"event": "missed", **asdict(event)})
            case _:
                self._tell({"event": "ears_stopped", "seconds": event.seconds})
