"""Each fact a card tells becomes rows and a ledger entry, in one transaction with the cursor: exactly once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import structlog
from sqlalchemy.exc import IntegrityError, NoResultFound
from sqlalchemy.orm import Session

from hotline.calls import queries
from hotline.calls.models import Call, CallLeg, Recording, Utterance
from hotline.calls.state import MoveNotAllowed, step
from hotline.db.models import advance
from hotline.drafts import service as drafts
from hotline.events import Kind
from hotline.records import ledger

log = structlog.get_logger()

Fact = dict[str, Any]


def take(session: Session, card: str, card_run: str, fact: Fact) -> str | None:
    """Record one numbered fact of a card. Gives the call it concerns, or None if it was recorded before.

    ``card_run`` names one life of the card: its numbers begin anew with each.
    """
    if not advance(session, f"card:{card_run}", fact["n"]):
        return None
    handler = _HANDLERS.get(fact["event"])
    if handler is None:
        _write(session, fact, Kind.FACT_UNREADABLE, fact.get("leg", card), {"fact": fact})
        return None
    try:
        with session.begin_nested():
            return handler(session, card, card_run, fact)
    except (KeyError, ValueError, TypeError, MoveNotAllowed, IntegrityError, NoResultFound) as error:
        # a card of another version, or one that lost its oldest facts: keep what it said, go on with the next
        log.error("fact unreadable", fact=fact["event"], error=repr(error))
    _write(session, fact, Kind.FACT_UNREADABLE, fact.get("leg", card), {"fact": fact})
    return None


def when(fact: Fact) -> datetime:
    return datetime.fromtimestamp(fact["at"], UTC)


def note(session: Session, at: datetime, kind: Kind, subject: str, payload: dict[str, Any]) -> None:
    """What the line service itself has to say in the ledger."""
    ledger.append(session, at=at, actor="line", kind=kind, subject=subject, payload=payload)


def _write(session: Session, fact: Fact, kind: Kind, subject: str, payload: dict[str, Any]) -> None:
    note(session, when(fact), kind, subject, payload)


def _move(call: Call, move: str) -> None:
    after = step(call.state, move)
    log.info("call moved", call=call.call_id, old=call.state, new=after)
    call.state = after


def _answered(session: Session, card: str, card_run: str, fact: Fact) -> str:
    begin_call(session, fact["leg"], card, card_run, when(fact), fact)
    _write(
        session,
        fact,
        Kind.CALL_ANSWERED,
        fact["leg"],
        {key: fact[key] for key in ("sip_call_id", "caller", "called", "diverted_from", "answer_ms")} | {"card": card},
    )
    return str(fact["leg"])


def begin_call(
    session: Session, call_id: str, card: str, card_run: str, answered_at: datetime, details: dict[str, Any]
) -> Call:
    """The rows of a call and of its caller's leg."""
    call = Call(
        call_id=call_id,
        sip_call_id=details["sip_call_id"][:255],
        card=card,
        card_run=card_run,
        caller=details["caller"][:255],
        caller_name=(details["caller_name"] or "")[:255] or None,
        called=details["called"][:255],
        diverted_from=(details["diverted_from"] or "")[:255] or None,
        state="answered",
        answered_at=answered_at,
    )
    session.add(call)
    session.flush()
    session.add(
        CallLeg(leg_id=call_id, call_id=call_id, speaker="caller", card=card, card_run=card_run, ears="listening")
    )
    session.flush()
    return call


def _connected(session: Session, card: str, card_run: str, fact: Fact) -> str:
    call = session.get(Call, fact["leg"])
    if call is None:
        return _leg_fact(session, fact, Kind.LEG_CONNECTED)
    _move(call, "connect")
    call.connected_at = when(fact)
    _write(session, fact, Kind.CALL_CONNECTED, call.call_id, {})
    return call.call_id


def _ended(session: Session, card: str, card_run: str, fact: Fact) -> str:
    call = session.get(Call, fact["leg"])
    how = {key: fact[key] for key in ("cause", "reason", "seconds", "hung_up_by")}
    if call is None:
        return _leg_fact(session, fact, Kind.LEG_ENDED, **how)
    end_call(call, when(fact), **how)
    _write(session, fact, Kind.CALL_ENDED, call.call_id, how)
    return call.call_id


def end_call(call: Call, at: datetime, *, cause: int, reason: str, seconds: float, hung_up_by: str) -> None:
    _move(call, "end")
    call.ended_at, call.seconds = at, seconds
    call.cause, call.reason, call.hung_up_by = cause, reason[:255], hung_up_by[:32]


def _leg_fact(session: Session, fact: Fact, kind: Kind, **payload: Any) -> str:
    """Of a leg that is not the caller's: it belongs to a call, or (not yet) to none."""
    leg = session.get(CallLeg, fact["leg"])
    subject = leg.call_id if leg is not None else fact["leg"]
    _write(session, fact, kind, subject, {"leg": fact["leg"], **payload})
    return str(subject)


def _refused(session: Session, card: str, card_run: str, fact: Fact) -> None:
    payload = {key: fact[key] for key in ("sip_call_id", "caller", "called", "cause", "reason")}
    _write(session, fact, Kind.CALL_REFUSED, f"card:{card}", payload)


def _noted(kind: Kind, *keys: str) -> Callable[[Session, str, str, Fact], str]:
    """A fact that only the ledger keeps."""

    def note(session: Session, card: str, card_run: str, fact: Fact) -> str:
        return _leg_fact(session, fact, kind, **{key: fact[key] for key in keys if key in fact})

    return note


def _tape_started(session: Session, card: str, card_run: str, fact: Fact) -> str:
    session.add(
        Recording(
            recording_id=f"{fact['leg']}-1",
            call_id=fact["leg"],
            part=1,
            path=fact["path"],
            started_at=when(fact),
            rate_hz=fact["rate_hz"],
            state="open",
        )
    )
    _write(session, fact, Kind.TAPE_STARTED, fact["leg"], {"path": fact["path"]})
    return str(fact["leg"])


def _tape_closed(session: Session, card: str, card_run: str, fact: Fact) -> str:
    payload = {key: fact[key] for key in ("samples", "sha256", "lost_samples", "filled_samples")}
    close_recording(session, f"{fact['leg']}-1", "closed", fact["samples"], fact["sha256"], fact["lost_samples"])
    _write(session, fact, Kind.TAPE_CLOSED, fact["leg"], payload)
    return str(fact["leg"])


def close_recording(
    session: Session, recording_id: str, state: str, samples: int, sha256: str, lost_samples: int
) -> None:
    recording = session.get_one(Recording, recording_id)
    recording.state = state
    recording.samples, recording.sha256, recording.lost_samples = samples, sha256, lost_samples


def _listening(session: Session, card: str, card_run: str, fact: Fact) -> str:
    """Another party of a call is heard from now on: an agent, a third party."""
    caller = session.get_one(CallLeg, fact["of"])
    leg = CallLeg(
        leg_id=fact["leg"],
        call_id=caller.call_id,
        speaker=fact["speaker"],
        card=card,
        card_run=card_run,
        ears="listening",
    )
    session.add(leg)
    session.flush()
    return leg.call_id


def _heard(session: Session, card: str, card_run: str, fact: Fact) -> str:
    leg = session.get_one(CallLeg, fact["leg"])
    add_utterance(session, leg, when(fact), fact, source="live")
    return leg.call_id


def add_utterance(session: Session, leg: CallLeg, at: datetime, said: dict[str, Any], *, source: str) -> None:
    """One finished utterance (start, end, text, confidence, words); the draft follows it."""
    session.add(
        Utterance(
            call_id=leg.call_id,
            speaker=leg.speaker,
            start=said["start"],
            end=said["end"],
            text=said["text"],
            words=said["words"],
            confidence=said["confidence"],
            source=source,
        )
    )
    session.flush()
    payload = {key: said[key] for key in ("start", "end", "text", "confidence")}
    ledger.append(
        session,
        at=at,
        actor="ears",
        kind=Kind.UTTERANCE_HEARD,
        subject=leg.call_id,
        payload={"speaker": leg.speaker, "source": source, **payload},
    )
    call = session.get_one(Call, leg.call_id)
    drafts.redraft(session, leg.call_id, queries.spoken(session, leg.call_id), at, call.answered_at)


def _missed(session: Session, card: str, card_run: str, fact: Fact) -> str:
    leg = session.get_one(CallLeg, fact["leg"])
    add_hole(leg, fact["start"], fact["end"])
    _write(
        session,
        fact,
        Kind.EARS_MISSED,
        leg.call_id,
        {"speaker": leg.speaker, **{key: fact[key] for key in ("start", "end", "reason")}},
    )
    return leg.call_id


def add_hole(leg: CallLeg, start: float, end: float) -> None:
    # a new list: JSON columns notice replacement, not mutation
    leg.holes = [*leg.holes, [start, end]]


def _ears_stopped(session: Session, card: str, card_run: str, fact: Fact) -> str:
    leg = session.get_one(CallLeg, fact["leg"])
    leg.ears = "stopped"
    _write(session, fact, Kind.EARS_STOPPED, leg.call_id, {"speaker": leg.speaker, "seconds": fact["seconds"]})
    return leg.call_id


_HANDLERS: dict[str, Callable[[Session, str, str, Fact], str | None]] = {
    "answered": _answered,
    "connected": _connected,
    "ended": _ended,
    "refused": _refused,
    "ringing": lambda session, card, run, fact: None,
    "playing": _noted(Kind.PROMPT_STARTED, "prompt"),
    "played": _noted(Kind.PROMPT_ENDED, "prompt"),
    "key": _noted(Kind.KEY_PRESSED, "key", "how", "second"),
    "joined": _noted(Kind.LEGS_JOINED, "other"),
    "parted": _noted(Kind.LEGS_PARTED, "other"),
    "tape_started": _tape_started,
    "tape_failed": _noted(Kind.TAPE_FAILED, "reason"),
    "tape_recovered": _noted(Kind.TAPE_RECOVERED, "lost_samples"),
    "tape_closed": _tape_closed,
    "ears_started": _noted(Kind.EARS_STARTED, "model"),
    "heard": _heard,
    "listening": _listening,
    "missed": _missed,
    "ears_stopped": _ears_stopped,
}
