"""A call as rows: the call itself, its legs, the parts of its recording, what was said."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from hotline.db.models import Model
from hotline.db.types import UtcSeconds


class Call(Model):
    """One telephone call, from the answer to its closing."""

    __tablename__ = "calls"

    call_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    sip_call_id: Mapped[str] = mapped_column(String(255), index=True)
    card: Mapped[str] = mapped_column(String(64))
    card_run: Mapped[str] = mapped_column(String(64))
    """Which life of that card took the call: a card restarted has another."""
    caller: Mapped[str] = mapped_column(String(255))
    called: Mapped[str] = mapped_column(String(255))
    """The number dialled; several lead to one queue and the source is kept (DOMAIN L7)."""
    diverted_from: Mapped[str | None] = mapped_column(String(255))
    caller_name: Mapped[str | None] = mapped_column(String(255))
    state: Mapped[str] = mapped_column(String(32), index=True)
    answered_at: Mapped[datetime] = mapped_column(UtcSeconds, index=True)
    connected_at: Mapped[datetime | None] = mapped_column(UtcSeconds)
    """When the caller's ACK had come."""
    ended_at: Mapped[datetime | None] = mapped_column(UtcSeconds)
    closed_at: Mapped[datetime | None] = mapped_column(UtcSeconds)
    """When nothing is left to do for the call: the tape closed, the transcript whole, the draft final."""
    seconds: Mapped[float | None]
    """Length in seconds of audio since the answer."""
    cause: Mapped[int | None]
    """The SIP status the call ended with."""
    reason: Mapped[str | None] = mapped_column(String(255))
    hung_up_by: Mapped[str | None] = mapped_column(String(32))


class CallLeg(Model):
    """One party of a call, on the card that carries it; the caller's leg has the call's own id."""

    __tablename__ = "call_legs"

    leg_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    call_id: Mapped[str] = mapped_column(ForeignKey("calls.call_id"), index=True)
    speaker: Mapped[str] = mapped_column(String(32))
    card: Mapped[str] = mapped_column(String(64))
    card_run: Mapped[str] = mapped_column(String(64))
    ears: Mapped[str] = mapped_column(String(16))
    """listening, or stopped once its last word has come."""
    holes: Mapped[list[list[float]]] = mapped_column(JSON, default=list)
    """[start, end] in call time of what recognition missed and the tape still owes."""


class Recording(Model):
    """One file of a call's tape; a call that outlived its card has several parts."""

    __tablename__ = "recordings"
    __table_args__ = (UniqueConstraint("call_id", "part"),)

    recording_id: Mapped[str] = mapped_column(String(80), primary_key=True)
    call_id: Mapped[str] = mapped_column(ForeignKey("calls.call_id"))
    part: Mapped[int]
    path: Mapped[str] = mapped_column(String(500))
    """Relative to the vault, so that the vault can move."""
    started_at: Mapped[datetime] = mapped_column(UtcSeconds)
    rate_hz: Mapped[int]
    samples: Mapped[int | None] = mapped_column(BigInteger)
    """Samples in each channel."""
    sha256: Mapped[str | None] = mapped_column(String(64))
    lost_samples: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    state: Mapped[str] = mapped_column(String(16))
    """open, closed, or repaired after the process that wrote it died."""


class Utterance(Model):
    """What one speaker said in one breath, with its place in call time."""

    __tablename__ = "utterances"
    __table_args__ = (UniqueConstraint("call_id", "speaker", "start", "source"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    call_id: Mapped[str] = mapped_column(ForeignKey("calls.call_id"))
    speaker: Mapped[str] = mapped_column(String(32))
    """caller, agent, …"""
    start: Mapped[float]
    """Seconds of audio since the answer."""
    end: Mapped[float]
    text: Mapped[str] = mapped_column(Text)
    words: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    confidence: Mapped[float]
    """0 to 1."""
    source: Mapped[str] = mapped_column(String(8))
    """live, or tape when it was transcribed afterwards."""
