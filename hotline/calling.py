"""A simulated citizen calls this hotline, and the call is followed until it is closed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hotline.calls import queries
from hotline.db import Database
from hotline.drafts.service import flat
from hotline.settings import Settings
from ivr.citizen import Result, Script, send_citizen

_LOOK_SECONDS = 0.2
_CLOSE_SECONDS = 60.0
"""How long after the hang-up the closing of the call is waited for."""


@dataclass(frozen=True)
class Progress:
    """Something new of the call that is under way."""

    what: str
    """answered, words, draft, ended or closed."""
    text: str


@dataclass(frozen=True)
class Outcome:
    """What ``hotline call`` gives; see the commands in README.md."""

    result: Result
    call_id: str | None
    state: str | None
    transcript: str | None
    draft: dict[str, Any] | None
    recording: str | None
    broke: str | None = None
    """Why the line itself ended the call, when it did."""

    def as_dict(self) -> dict[str, Any]:
        return {
            "call_id": self.call_id,
            "status": self.result.status,
            "reason": self.result.reason,
            "answer_ms": self.result.answer_ms,
            "seconds": self.result.seconds,
            "spoke_at": self.result.spoke_at,
            "heard_seconds": self.result.heard_seconds,
            "hung_up_by": self.result.hung_up_by,
            "broke": self.broke,
            "state": self.state,
            "transcript": self.transcript,
            "draft": self.draft,
            "recording": self.recording,
        }


async def call(
    settings: Settings, db: Database, script: Script, *, ours: bool, tell: Callable[[Progress], None]
) -> Outcome:
    """Send the citizen, tell what is new as it appears, wait until the call is closed.

    ``ours`` False: the call goes to another hotline, whose books are not here. Raises ivr.citizen.CitizenFailed.
    """
    newest = await asyncio.to_thread(_newest, db)
    citizen = asyncio.create_task(send_citizen(script))
    follower = asyncio.create_task(_follow(db, newest, tell)) if ours else None
    try:
        result = await citizen
        if result.status == 200:
            tell(Progress("ended", f"{result.seconds:.1f} s, hung up by the {result.hung_up_by}"))
        if not ours or result.status != 200:
            return Outcome(result, None, None, None, None, None)
        await _until_closed(db, result.sip_call_id)
        if follower is not None:  # one more look, so that the last words are told too
            await asyncio.sleep(2 * _LOOK_SECONDS)
    finally:
        citizen.cancel()
        if follower is not None:
            follower.cancel()
    return await asyncio.to_thread(_outcome, settings, db, result)


def _newest(db: Database) -> set[str]:
    with db.read() as session:
        return {call.call_id for call in queries.latest(session, 100)}


async def _follow(db: Database, known: set[str], tell: Callable[[Progress], None]) -> None:
    """Tell the words of the first call that is not among ``known``, as they are written down."""
    call_id: str | None = None
    said = 0
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        if call_id is None:
            call_id = next(iter(await asyncio.to_thread(_newest, db) - known), None)
            if call_id is not None:
                tell(Progress("answered", call_id))
            continue
        for text in (await asyncio.to_thread(_texts, db, call_id))[said:]:
            said += 1
            tell(Progress("words", text))


def _texts(db: Database, call_id: str) -> list[str]:
    with db.read() as session:
        return [f"{row.start:5.1f} s  {row.text}" for row in queries.utterances(session, call_id)]


async def _until_closed(db: Database, sip_call_id: str) -> None:
    def closed() -> bool:
        with db.read() as session:
            row = queries.by_sip_call_id(session, sip_call_id)
            return row is not None and row.state == "closed"

    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_CLOSE_SECONDS):
            while not await asyncio.to_thread(closed):  # noqa: ASYNC110  another process writes the database
                await asyncio.sleep(_LOOK_SECONDS)


def _outcome(settings: Settings, db: Database, result: Result) -> Outcome:
    with db.read() as session:
        row = queries.by_sip_call_id(session, result.sip_call_id)
        if row is None:
            return Outcome(result, None, None, None, None, None)
        tape = queries.recording(session, row.call_id)
        draft = queries.draft(session, row.call_id)
        return Outcome(
            result,
            row.call_id,
            row.state,
            queries.transcript(session, row.call_id),
            flat(draft.fields) if draft is not None else None,
            str(Path(settings.recordings_dir) / tape.path) if tape is not None else None,
            {"card": row.reason, "card stopped": "the hotline was stopped"}.get(row.hung_up_by or ""),
        )
