"""What is asked about calls."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

from sqlalchemy import Text, and_, case, cast, select
from sqlalchemy.orm import Session

from hotline.calls.models import Call, CallLeg, Recording, Utterance
from hotline.calls.state import OPEN
from hotline.clock import SHANGHAI
from hotline.drafts.draft import Spoken, SpokenWord
from hotline.drafts.models import DraftEdit, DraftRow


def utterances(session: Session, call_id: str) -> Sequence[Utterance]:
    """In the order they were said."""
    return session.scalars(
        select(Utterance).where(Utterance.call_id == call_id).order_by(Utterance.start, Utterance.id)
    ).all()


def utterance(session: Session, call_id: str, speaker: str, start: float, source: str) -> Utterance | None:
    """The one that a ledger row speaks of."""
    return session.scalars(
        select(Utterance).where(
            Utterance.call_id == call_id,
            Utterance.speaker == speaker,
            Utterance.start == start,
            Utterance.source == source,
        )
    ).first()


def spoken(session: Session, call_id: str) -> list[Spoken]:
    """The transcript as the draft reads it."""
    return [
        Spoken(
            speaker=row.speaker,
            start=row.start,
            end=row.end,
            text=row.text,
            words=tuple(SpokenWord(word["text"], word["start"], word["end"], word["confidence"]) for word in row.words),
        )
        for row in utterances(session, call_id)
    ]


def transcript(session: Session, call_id: str) -> str:
    return " ".join(row.text for row in utterances(session, call_id))


def recording(session: Session, call_id: str) -> Recording | None:
    return session.scalars(select(Recording).where(Recording.call_id == call_id).order_by(Recording.part)).first()


def draft(session: Session, call_id: str) -> DraftRow | None:
    return session.get(DraftRow, call_id)


def legs(session: Session, call_id: str) -> Sequence[CallLeg]:
    return session.scalars(select(CallLeg).where(CallLeg.call_id == call_id)).all()


def by_sip_call_id(session: Session, sip_call_id: str) -> Call | None:
    return session.scalars(select(Call).where(Call.sip_call_id == sip_call_id)).first()


def latest(session: Session, limit: int) -> Sequence[Call]:
    return session.scalars(select(Call).order_by(Call.answered_at.desc(), Call.call_id.desc()).limit(limit)).all()


def page(
    session: Session,
    *,
    in_progress: bool | None,
    urgent: bool | None,
    day: date | None,
    before: Call | None,
    limit: int,
) -> list[tuple[Call, DraftRow | None]]:
    """Calls with their drafts, newest first; each condition holds where it is not None.

    ``urgent`` True takes those in doubt along (urgency is never dropped silently), unless an agent has decided;
    ``day`` is a day in Shanghai.
    """
    wanted = select(Call, DraftRow).outerjoin(DraftRow, DraftRow.call_id == Call.call_id)
    if in_progress is not None:
        wanted = wanted.where(Call.state.in_(OPEN) if in_progress else Call.state.not_in(OPEN))
    if urgent is not None:
        decided = and_(DraftEdit.call_id == Call.call_id, DraftEdit.field == "urgent")
        named = DraftRow.fields[("urgent_class", "value")].as_string().is_not(None)
        alarming = case((DraftEdit.call_id.is_not(None), cast(DraftEdit.value, Text) == "true"), else_=named)
        wanted = wanted.outerjoin(DraftEdit, decided).where(alarming if urgent else ~alarming)
    if day is not None:
        midnight = datetime.combine(day, time(), SHANGHAI)
        wanted = wanted.where(Call.answered_at >= midnight, Call.answered_at < midnight + timedelta(days=1))
    if before is not None:
        wanted = wanted.where(
            (Call.answered_at < before.answered_at)
            | ((Call.answered_at == before.answered_at) & (Call.call_id < before.call_id))
        )
    rows = session.execute(wanted.order_by(Call.answered_at.desc(), Call.call_id.desc()).limit(limit))
    return [(call, draft) for call, draft in rows]


def left_by(session: Session, card: str, live_run: str | None) -> Sequence[Call]:
    """Calls not yet closed whose card has since had another life (or is no more)."""
    return session.scalars(
        select(Call).where(Call.card == card, Call.card_run != (live_run or ""), Call.state != "closed")
    ).all()


def cards_with_open_calls(session: Session) -> set[str]:
    return set(session.scalars(select(Call.card).where(Call.state != "closed").distinct()))


def to_close(session: Session) -> Sequence[str]:
    """Ended calls that are not yet closed."""
    return session.scalars(select(Call.call_id).where(Call.state == "ended").order_by(Call.answered_at)).all()
