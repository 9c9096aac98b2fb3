"""The draft as a row: its newest version, ready for the agent when the call ends."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from hotline.db.models import Model
from hotline.db.types import UtcSeconds


class DraftRow(Model):
    """One draft a call; `fields` is `Draft.as_dict()`."""

    __tablename__ = "drafts"

    call_id: Mapped[str] = mapped_column(ForeignKey("calls.call_id"), primary_key=True)
    version: Mapped[int]
    fields: Mapped[dict[str, Any]] = mapped_column(JSON)
    complete: Mapped[bool]
    updated_at: Mapped[datetime] = mapped_column(UtcSeconds)
