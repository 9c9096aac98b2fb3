"""After the last word: what the ears missed is transcribed from the tape, the draft made final, the call closed."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import structlog
from sqlalchemy.exc import DBAPIError

from asr_models.client import EarsAway, stats, transcribe
from asr_models.words import to_wire
from hotline import clock
from hotline.calls import queries, service
from hotline.calls.models import Call, CallLeg
from hotline.calls.state import step
from hotline.db import Database
from hotline.drafts import service as drafts
from hotline.events import Kind
from recordings import vault
from recordings.wav import NotATape

log = structlog.get_logger()

_MARGIN_SECONDS = 0.2
"""A hole is opened a little wider than it was: a word cut in two is no word."""
_TRIES = 3
"""Sound that kills the ears this often is left alone; the tape still has it."""
_PAUSE_SECONDS = 0.5
_FAULT_PAUSE_SECONDS = 10.0
_ANSWER_SECONDS = 10.0
T = TypeVar("T")


@dataclass(frozen=True)
class Hole:
    leg_id: str
    channel: int
    start: float
    end: float


@dataclass(frozen=True)
class Plan:
    """What closing one call takes."""

    path: Path | None
    rate_hz: int
    holes: list[Hole]


class Closer:
    """Closes ended calls, one at a time; asking twice for one call is asking once."""

    def __init__(self, db: Database, recordings: Path, ears: Sequence[Path], on_written: Callable[[], None]) -> None:
        self._db = db
        self._recordings = recordings
        self._ears = itertools.cycle(ears)
        self._on_written = on_written
        self._asked: asyncio.Queue[str] = asyncio.Queue()
        self._waiting: set[str] = set()
        self._failures: dict[Hole, int] = {}

    def ask(self, call_id: str) -> None:
        if call_id not in self._waiting:
            self._waiting.add(call_id)
            self._asked.put_nowait(call_id)

    async def run(self) -> None:
        while True:
            call_id = await self._asked.get()
            self._waiting.discard(call_id)
            try:
                await self._close(call_id)
            except EarsAway:  # others may be closed meanwhile
                self._ask_later(call_id, _PAUSE_SECONDS)
            except DBAPIError as error:
                log.error("database does not take the closing of a call", call=call_id, error=str(error.orig))
                self._ask_later(call_id, _PAUSE_SECONDS)
            except Exception as error:
                log.error("call could not be closed", call=call_id, error=repr(error))
                self._ask_later(call_id, _FAULT_PAUSE_SECONDS)

    def _ask_later(self, call_id: str, seconds: float) -> None:
        asyncio.get_running_loop().call_later(seconds, self.ask, call_id)

    async def _close(self, call_id: str) -> None:
        plan = await asyncio.to_thread(self._plan, call_id)
        if plan is None:
            return
        for hole in plan.holes:
            said, problem = await self._hear_again(plan, hole)
            await asyncio.to_thread(self._fill, hole, said, problem)
            self._on_written()
        await asyncio.to_thread(self._finish, call_id)
        self._on_written()

    def _plan(self, call_id: str) -> Plan | None:
        """None while something of the call is still under way (a fact will ask again), or when it is closed."""
        with self._db.read() as session:
            call = session.get(Call, call_id)
            recording = queries.recording(session, call_id)
            legs = queries.legs(session, call_id)
            if call is None or call.state != "ended" or any(leg.ears == "listening" for leg in legs):
                return None
            if recording is not None and recording.state == "open":
                return None
            holes = [
                Hole(leg.leg_id, vault.LEFT if leg.leg_id == call_id else vault.RIGHT, start, end)
                for leg in legs
                for start, end in leg.holes
            ]
            path = self._recordings / recording.path if recording is not None else None
            return Plan(path, recording.rate_hz if recording is not None else 8000, holes)

    async def _hear_again(self, plan: Plan, hole: Hole) -> tuple[list[dict[str, Any]], str | None]:
        """The words in a hole, or why there are none. Raises EarsAway while nobody is there to listen."""
        if plan.path is None:
            return [], "no tape"
        start, end = max(0.0, hole.start - _MARGIN_SECONDS), hole.end + _MARGIN_SECONDS
        try:
            pcm = await asyncio.to_thread(vault.read_span, plan.path, hole.channel, start, end)
        except (OSError, ValueError, NotATape) as error:
            return [], f"tape unreadable: {error}"
        ears = next(self._ears)
        await _within(_ANSWER_SECONDS, stats(ears))
        longest = _ANSWER_SECONDS + len(pcm) / 2 / plan.rate_hz
        try:
            finals = await _within(
                longest, transcribe(ears, pcm, rate_hz=plan.rate_hz, offset_seconds=start, name=hole.leg_id)
            )
        except EarsAway as error:  # they died while they listened to this
            failures = self._failures.pop(hole, 0) + 1
            if failures == _TRIES:
                return [], f"the ears failed {_TRIES} times on it: {error}"
            self._failures[hole] = failures
            raise
        self._failures.pop(hole, None)
        return [to_wire(final) for final in finals], None

    def _fill(self, hole: Hole, said: list[dict[str, Any]], problem: str | None) -> None:
        now = clock.now()
        with self._db.write() as session:
            leg = session.get_one(CallLeg, hole.leg_id)
            if [hole.start, hole.end] not in leg.holes:
                return
            leg.holes = [other for other in leg.holes if other != [hole.start, hole.end]]
            known = {(row.start, row.text) for row in queries.utterances(session, leg.call_id)}
            for utterance in said:
                if (utterance["start"], utterance["text"]) not in known:
                    service.add_utterance(session, leg, now, utterance, source="tape")
            kind = Kind.HOLE_FILLED if problem is None else Kind.WORDS_MISSING
            payload = {key: value for key, value in asdict(hole).items() if key in ("start", "end")}
            payload |= {"speaker": leg.speaker, "utterances": len(said)}
            if problem is not None:
                payload["problem"] = problem
            service.note(session, now, kind, leg.call_id, payload)

    def _finish(self, call_id: str) -> None:
        now = clock.now()
        with self._db.write() as session:
            call = session.get_one(Call, call_id)
            if call.state != "ended":
                return
            drafts.complete(session, call_id, queries.spoken(session, call_id), now, call.answered_at)
            call.state = step(call.state, "close")
            call.closed_at = now
            service.note(session, now, Kind.CALL_CLOSED, call_id, {"seconds": call.seconds})
        vault.unmark(self._recordings, call_id)
        log.info("call closed", call=call_id)


async def _within(seconds: float, asking: Awaitable[T]) -> T:
    """Ears that say nothing are away like those that do not answer. Raises EarsAway."""
    try:
        return await asyncio.wait_for(asking, seconds)
    except TimeoutError:
        raise EarsAway(f"the ears said nothing for {seconds:.0f} s") from None
