"""Keeps a call's draft in step with its words: drawn up anew with each utterance, final when the call closes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from hotline.drafts.draft import Spoken, draft
from hotline.drafts.models import DraftRow
from hotline.events import Kind
from hotline.records import ledger


def redraft(session: Session, call_id: str, spoken: Sequence[Spoken], at: datetime) -> DraftRow:
    """The draft of all that was said so far; a ledger row only when something changed."""
    fields = draft(spoken).as_dict()
    row = session.get(DraftRow, call_id)
    if row is not None and row.fields == fields:
        return row
    if row is None:
        row = DraftRow(call_id=call_id, version=1, fields=fields, complete=False, updated_at=at)
        session.add(row)
    else:
        row.version, row.fields, row.updated_at = row.version + 1, fields, at
    session.flush()
    ledger.append(
        session,
        at=at,
        actor="drafts",
        kind=Kind.DRAFT_UPDATED,
        subject=call_id,
        payload={"version": row.version, "fields": fields},
    )
    return row


def complete(session: Session, call_id: str, spoken: Sequence[Spoken], at: datetime) -> DraftRow:
    """No more words will come: what is missing now has to be asked for by a person."""
    row = redraft(session, call_id, spoken, at)
    row.complete = True
    payload = {"version": row.version, "missing": row.fields["missing"]}
    ledger.append(session, at=at, actor="drafts", kind=Kind.DRAFT_COMPLETED, subject=call_id, payload=payload)
    return row


def flat(fields: dict[str, Any]) -> dict[str, Any]:
    """A stored draft as commands show it: each field's value, and beside them ``spans`` and ``missing``."""
    named = {name: field for name, field in fields.items() if name != "missing"}
    values = {name: field["value"] if field is not None else None for name, field in named.items()}
    spans = {name: field["span"] for name, field in named.items() if field is not None}
    return {**values, "spans": spans, "missing": fields["missing"]}
