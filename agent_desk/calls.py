"""The calls: those in progress and past, one whole, its tape and the tape's outline."""

from __future__ import annotations

import threading
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path as FilePath
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import FileResponse
from sqlalchemy.orm import Session

from agent_desk import views
from agent_desk.door import Db, ListeningPerson, Person, Watcher
from agent_desk.problems import Problem, responses
from agent_desk.views import CallList, CallPage, PeaksView
from hotline.calls import queries
from hotline.calls.models import Call, Recording
from hotline.clock import now
from hotline.db import Database
from hotline.events import Kind
from hotline.orders import queries as orders
from hotline.records import ledger
from recordings import peaks as outline
from recordings.wav import NotATape

router = APIRouter(prefix="/api/calls", tags=["calls"])

_CALL_ID = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"
CallId = Annotated[str, Path(max_length=64, pattern=_CALL_ID)]

NOT_OF_THE_STORY = frozenset({Kind.CALL_OPENED, Kind.RECORDING_HEARD, Kind.FACT_UNREADABLE, Kind.PAYLOAD_ERASED})
"""Rows about a call that are not what happened in it."""
ACCESS_MINUTES = 10
_ACCESSES_KEPT = 10_000


class Accesses:
    """Who looked into which call: a ledger row each, but one for the many requests of one look (DOMAIN.md §2)."""

    def __init__(self) -> None:
        self._until: dict[tuple[str, str, Kind], datetime] = {}
        # requests for one look wait for each other, those for others hardly ever
        self._locks = [threading.Lock() for _ in range(64)]
        self._pruning = threading.Lock()

    def note(self, db: Database, person: Person, call_id: str, kind: Kind) -> None:
        """Before anything is shown: what cannot be logged is not shown."""
        at, key = now(), (person.token_hash, call_id, kind)
        with self._locks[hash(key) % len(self._locks)]:
            if self._until.get(key, at) > at:
                return
            with db.write() as session:
                ledger.append(session, at=at, actor=person.actor, kind=kind, subject=call_id, payload={})
            self._until[key] = at + timedelta(minutes=ACCESS_MINUTES)
        if len(self._until) > _ACCESSES_KEPT and self._pruning.acquire(blocking=False):
            for one, until in list(self._until.items()):
                if until <= at:
                    self._until.pop(one, None)
            self._pruning.release()


@router.get("", responses=responses(401, 403, 404, 422))
def list_calls(
    person: Watcher,
    db: Db,
    state: Annotated[Literal["open", "past"] | None, Query(description="In progress, or over.")] = None,
    urgent: Annotated[bool | None, Query(description="True: urgent ones only, and those in doubt.")] = None,
    day: Annotated[date | None, Query(ge=date(2000, 1, 1), le=date(2999, 12, 31), description="In Shanghai.")] = None,
    before: Annotated[
        str | None, Query(max_length=64, pattern=_CALL_ID, description="Only calls older than this one.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> CallList:
    """Newest first."""
    with db.read() as session:
        seq = ledger.newest(session)
        found = queries.page(
            session, in_progress=None if state is None else state == "open", urgent=urgent, day=day,
            before=_older_than(session, before), limit=limit + 1,
        )  # fmt: skip
        papers = orders.paperwork_of(session, {call.call_id: draft for call, draft in found[:limit]})
        calls = [views.call_item(call, papers[call.call_id], whole=person.sees_numbers) for call, _ in found[:limit]]
    return CallList(seq=seq, calls=calls, more=len(found) > limit)


def _older_than(session: Session, call_id: str | None) -> Call | None:
    return None if call_id is None else _call(session, call_id)


@router.get("/{call_id}", responses=responses(401, 403, 404, 422))
def one_call(call_id: CallId, person: Watcher, db: Db, request: Request) -> CallPage:
    """One call whole: words, draft, what happened. That it was looked at is logged."""
    with db.read() as session:
        _call(session, call_id)
    accesses(request).note(db, person, call_id, Kind.CALL_OPENED)
    whole = person.sees_numbers
    with db.read() as session:
        seq = ledger.newest(session)
        call, paper, tape = (
            _call(session, call_id),
            orders.paperwork(session, call_id),
            queries.recording(session, call_id),
        )
        return CallPage(
            seq=seq,
            call=views.call_item(call, paper, whole=whole),
            utterances=[views.utterance_view(row, whole=whole) for row in queries.utterances(session, call_id)],
            draft=views.draft_view(paper, seq, whole=whole),
            timeline=[
                views.moment_view(record)
                for record in ledger.history(session, call_id)
                if record.kind not in NOT_OF_THE_STORY
            ],
            recording=views.recording_view(tape) if tape is not None else None,
        )


@router.get("/{call_id}/peaks", responses=responses(401, 403, 404, 409, 422))
def peaks(
    call_id: CallId,
    person: ListeningPerson,
    db: Db,
    request: Request,
    stretches: Annotated[int, Query(ge=1, le=8000)] = 1600,
) -> PeaksView:
    """The tape's outline, for a waveform that is there before the sound is."""
    path = _tape(call_id, db, request)
    try:
        # by size and time of the file too: a tape that was repaired is another one
        seen = _outline(path, path.stat().st_mtime_ns, stretches)
    except (OSError, NotATape):
        raise Problem(404, "no-tape", "录音文件不在原处，请联系管理员") from None
    return PeaksView(seconds=seen.seconds, left=seen.left, right=seen.right)


@lru_cache(maxsize=32)
def _outline(path: FilePath, _changed: int, stretches: int) -> outline.Peaks:
    return outline.peaks(path, stretches)


@router.get(
    "/{call_id}/recording",
    response_class=FileResponse,
    responses={
        200: {"content": {"audio/wav": {}}, "description": "The tape: left the caller, right what the caller heard."},
        206: {"content": {"audio/wav": {}}, "description": "The part that was asked for (Range)."},
        400: {"description": "Range that is no range."},
        416: {"description": "Range beyond the end."},
        **responses(401, 403, 404, 409, 422),
    },
)
def recording(call_id: CallId, person: ListeningPerson, db: Db, request: Request) -> FileResponse:
    """The tape, whole or in ranges. That it was listened to is logged."""
    path = _tape(call_id, db, request)
    if not path.is_file():
        raise Problem(404, "no-tape", "录音文件不在原处，请联系管理员")
    accesses(request).note(db, person, call_id, Kind.RECORDING_HEARD)
    return FileResponse(path, media_type="audio/wav", filename=f"{call_id}.wav", content_disposition_type="inline")


def accesses(request: Request) -> Accesses:
    found: Accesses = request.app.state.accesses
    return found


def _call(session: Session, call_id: str) -> Call:
    call = session.get(Call, call_id)
    if call is None:
        raise Problem(404, "no-such-call", "没有这通电话")
    return call


def _tape(call_id: str, db: Database, request: Request) -> FilePath:
    """Where the finished tape of a call lies, inside the vault."""
    with db.read() as session:
        _call(session, call_id)
        row: Recording | None = queries.recording(session, call_id)
    if row is None:
        raise Problem(404, "no-tape", "这通电话没有录音")
    if row.state == "open":
        raise Problem(409, "tape-runs", "录音仍在进行，挂机后即可回放")
    root: FilePath = request.app.state.recordings_dir.resolve()
    path = (root / row.path).resolve()
    if not path.is_relative_to(root):
        raise Problem(404, "no-tape", "录音文件不在原处，请联系管理员")
    return path
