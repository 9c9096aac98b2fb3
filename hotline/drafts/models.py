"""The draft as a row, its newest version, ready for the agent when the call ends; and what the agent made of it."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from hotline.db.models import Model
from hotline.db.types import UtcSeconds


class DraftRow(Model):
    """One draft a call; `fields` is `Draft.as_dict()`: what was heard, whatever the agent edits."""

    __tablename__ = "drafts"

    call_id: Mapped[str] = mapped_column(ForeignKey("calls.call_id"), primary_key=True)
    version: Mapped[int]
    fields: Mapped[dict[str, Any]] = mapped_column(JSON)
    complete: Mapped[bool]
    updated_at: Mapped[datetime] = mapped_column(UtcSeconds)
    accepted_at: Mapped[datetime | None] = mapped_column(UtcSeconds)
    """When it became an order; from then on it stays as it is."""


class DraftEdit(Model):
    """One field as an agent put it, over whatever the draft says of it. Former edits are in the ledger."""

    __tablename__ = "draft_edits"

    call_id: Mapped[str] = mapped_column(ForeignKey("calls.call_id"), primary_key=True)
    field: Mapped[str] = mapped_column(String(32), primary_key=True)
    value: Mapped[Any] = mapped_column(JSON)
    """Text or boolean; null: the agent took the value away, or asked and got none."""
    by: Mapped[str] = mapped_column(ForeignKey("accounts.name"))
    at: Mapped[datetime] = mapped_column(UtcSeconds)
