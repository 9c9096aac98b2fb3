"""The work order as a row (DOMAIN §3): who it is, what it is about, and what the draft had right."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hotline.accounts.models import Account
from hotline.db.models import Model
from hotline.db.types import UtcSeconds


class WorkOrder(Model):
    """One order; what one searches by is a column, the rest of the draft's fields lies in `fields`."""

    __tablename__ = "work_orders"

    order_no: Mapped[str] = mapped_column(String(14), primary_key=True)
    """The day of acceptance in Shanghai (YYYYMMDD) and that day's count from 000001, without gaps."""
    extract_code: Mapped[str] = mapped_column(String(6))
    """With the number it lets the caller see the order; told to the caller, never logged."""
    state: Mapped[str] = mapped_column(String(32), index=True)
    channel: Mapped[str] = mapped_column(String(16))
    call_id: Mapped[str] = mapped_column(ForeignKey("calls.call_id"), unique=True)
    recording_id: Mapped[str | None] = mapped_column(ForeignKey("recordings.recording_id"))
    agent: Mapped[str] = mapped_column(ForeignKey("accounts.name"), index=True)
    accepted_at: Mapped[datetime] = mapped_column(UtcSeconds, index=True)
    title: Mapped[str] = mapped_column(String(30))
    category: Mapped[str] = mapped_column(String(8))
    topic: Mapped[str | None] = mapped_column(String(100), index=True)
    district: Mapped[str | None] = mapped_column(String(32), index=True)
    street: Mapped[str | None] = mapped_column(String(64))
    department: Mapped[str | None] = mapped_column(String(64), index=True)
    urgent: Mapped[bool]
    fields: Mapped[dict[str, Any]] = mapped_column(JSON)
    """Name → value of the other fields that are known, the content among them."""
    draft_original: Mapped[dict[str, Any]] = mapped_column(JSON)
    """The draft as it was heard, without edits (DOMAIN §3, quality)."""
    diffs: Mapped[dict[str, Any]] = mapped_column(JSON)
    """Field → `{suggested, final, kind}`, kind kept, changed, filled or cleared."""
    account: Mapped[Account] = relationship(lazy="joined")
