"""Keeps a call's draft in step with its words: drawn up anew with each utterance, final when the call closes."""

from __future__ import annotations

import gc
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy.orm import Session

from hotline.db import serialise
from hotline.drafts.draft import FIELDS, Spoken, blank, draft
from hotline.drafts.models import DraftRow
from hotline.drafts.packing import NotTrained
from hotline.events import Kind
from hotline.records import ledger

log = structlog.get_logger()


def redraft(session: Session, call_id: str, spoken: Sequence[Spoken], at: datetime, called_at: datetime) -> DraftRow:
    """The draft of all that was said so far in a call answered at `called_at`; a ledger row only when it changed.

    What agents edited lies beside it (`edits`) and is not touched; a draft that was accepted stays as it was then, and
    where drafting fails it stays as it is.
    """
    fields = _drafted(spoken, called_at)
    serialise(session)
    row = session.get(DraftRow, call_id, populate_existing=True)
    if row is not None and (row.accepted_at is not None or fields is None or row.fields == fields):
        return row
    fields = fields or blank().as_dict()
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


def complete(session: Session, call_id: str, spoken: Sequence[Spoken], at: datetime, called_at: datetime) -> DraftRow:
    """No more words will come: what is missing now has to be asked for by a person."""
    row = redraft(session, call_id, spoken, at, called_at)
    row.complete = True
    payload = {"version": row.version, "missing": row.fields["missing"]}
    ledger.append(session, at=at, actor="drafts", kind=Kind.DRAFT_COMPLETED, subject=call_id, payload=payload)
    return row


def _drafted(spoken: Sequence[Spoken], called_at: datetime | None) -> dict[str, Any] | None:
    """None where drafting fails: the words are kept all the same, and a person reads them."""
    try:
        return draft(spoken, called_at).as_dict()
    except NotTrained as error:
        log.error("no draft", problem=str(error))
    except Exception:
        log.exception("no draft")
    return None


def warm() -> None:
    """Loads what drafting needs, so that no call waits for it.

    Its tables stay for good: a garbage collector that walks them stops a draft for 40 ms now and then.
    """
    _drafted([Spoken("caller", 0.0, 0.0, "喂")], None)
    gc.collect()
    gc.freeze()


def flat(fields: dict[str, Any]) -> dict[str, Any]:
    """A stored draft as commands show it: each field's value, and ``spans``, ``choices`` and ``missing``."""
    values = {name: fields[name]["value"] if fields.get(name) else None for name in FIELDS}
    spans = {name: fields[name]["span"] for name in FIELDS if fields.get(name)}
    return {**values, "spans": spans, "choices": fields.get("choices", {}), "missing": fields["missing"]}
