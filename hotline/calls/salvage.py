"""What a dead card leaves behind is made whole: its tapes are repaired and linked, its calls end truthfully."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from sqlalchemy.orm import Session

from hotline import clock
from hotline.calls import queries, service
from hotline.calls.models import Call, Recording
from hotline.calls.state import OPEN
from hotline.db import Database
from hotline.events import Kind
from recordings import vault
from recordings.tape import TapeClosed
from recordings.wav import NotATape

log = structlog.get_logger()

_NO_TAPE = TapeClosed(0, 0.0, "", 0)


@dataclass(frozen=True)
class Settled:
    """Calls that may now be closed, and calls whose tape cannot be mended yet: settle again a little later."""

    ready: list[str]
    later: list[str]


def settle(db: Database, recordings: Path, card: str, live_run: str | None) -> Settled:
    """End every call that ``card`` carried in a life before ``live_run`` (None: the card is no more).

    Touches nothing of the live run. Done twice it does nothing more.
    """
    link_orphans(db, recordings, card, live_run)
    with db.read() as session:
        left = [call.call_id for call in queries.left_by(session, card, live_run)]
    settled = Settled([], [])
    for call_id in left:
        try:
            _abandon(db, recordings, call_id)
        except (OSError, vault.TapeStillRuns) as error:  # a sick disk, or a card that is still on its way out
            log.error("tape cannot be mended yet", call=call_id, error=str(error))
            settled.later.append(call_id)
        else:
            settled.ready.append(call_id)
    return settled


def cards_of_orphans(recordings: Path) -> set[str]:
    """Which cards the tapes still marked open belong to."""
    return {str(tape.details.get("card", "")) for tape in vault.open_tapes(recordings)}


def link_orphans(db: Database, recordings: Path, card: str, live_run: str | None) -> None:
    """A tape whose card died before anybody was told of its call: make the call's rows from the marker."""
    for tape in vault.open_tapes(recordings):
        if str(tape.details.get("card", "")) != card or tape.details.get("card_run") == live_run:
            continue
        with db.write() as session:
            call = session.get(Call, tape.call_id)
            if call is not None and call.state == "closed":  # closed, and killed before the marker was taken away
                vault.unmark(recordings, tape.call_id)
                continue
            if call is None:
                log.warning("tape without a call linked", call=tape.call_id)
                run = str(tape.details["card_run"])
                service.begin_call(session, tape.call_id, card, run, tape.started_at, tape.details)
                service.note(
                    session, tape.started_at, Kind.CALL_ANSWERED, tape.call_id, {"found": "tape", **tape.details}
                )
            if queries.recording(session, tape.call_id) is None:
                session.add(
                    Recording(
                        recording_id=f"{tape.call_id}-1",
                        call_id=tape.call_id,
                        part=1,
                        path=tape.path,
                        started_at=tape.started_at,
                        rate_hz=8000,
                        state="open",
                    )
                )


def _abandon(db: Database, recordings: Path, call_id: str) -> None:
    with db.read() as session:
        recording = queries.recording(session, call_id)
    closed = _repair(recordings, recording) if recording is not None and recording.state == "open" else None
    now = clock.now()
    with db.write() as session:
        call = session.get_one(Call, call_id)
        row = queries.recording(session, call_id)
        if closed is not None and row is not None and row.state == "open":
            service.close_recording(session, row.recording_id, "repaired", closed.samples, closed.sha256, 0)
            payload = {"samples": closed.samples, "sha256": closed.sha256}
            service.note(session, now, Kind.TAPE_REPAIRED, call_id, payload)
        taped_seconds = (row.samples or 0) / row.rate_hz if row is not None else 0.0
        if call.state in OPEN:
            how = {"cause": 0, "reason": "the card died", "seconds": taped_seconds, "hung_up_by": "card"}
            at = call.answered_at + timedelta(seconds=taped_seconds)
            service.end_call(call, at, cause=0, reason="the card died", seconds=taped_seconds, hung_up_by="card")
            service.note(session, now, Kind.CALL_ENDED, call_id, how)
        _stop_ears(session, call, taped_seconds, now)
    log.warning("call of a dead card settled", call=call_id, taped_seconds=round(taped_seconds, 1))


def _stop_ears(session: Session, call: Call, taped_seconds: float, now: datetime) -> None:
    """Whatever was said after the last words that arrived is a hole, to be filled from the tape."""
    spoken = queries.utterances(session, call.call_id)
    for leg in queries.legs(session, call.call_id):
        if leg.ears != "listening":
            continue
        leg.ears = "stopped"
        heard_until = max((row.end for row in spoken if row.speaker == leg.speaker), default=0.0)
        if taped_seconds > heard_until:
            service.add_hole(leg, heard_until, taped_seconds)
            payload = {"speaker": leg.speaker, "start": heard_until, "end": taped_seconds, "reason": "the card died"}
            service.note(session, now, Kind.EARS_MISSED, call.call_id, payload)


def _repair(recordings: Path, recording: Recording) -> TapeClosed:
    """Raises OSError and TapeStillRuns for what may be better later."""
    path = recordings / recording.path
    try:
        return vault.repair(path)
    except (FileNotFoundError, NotATape) as error:  # it will not become one
        log.error("no tape on the disk", call=recording.call_id, error=str(error))
        return _NO_TAPE
