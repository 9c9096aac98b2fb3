"""The agent's hand on the draft: one edit a field, each a ledger row, none ever overwritten by what is heard later."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from hotline.calls.models import Call
from hotline.db import serialise
from hotline.drafts.allowed import EDITABLE, UnknownField, Value, allowed
from hotline.drafts.draft import blank
from hotline.drafts.models import DraftEdit, DraftRow
from hotline.drafts.overlay import value_of
from hotline.events import Kind
from hotline.records import ledger


class NoSuchCall(LookupError):
    pass


class Accepted(Exception):
    """The draft became an order; a draft is not what one edits any more."""


def edit(session: Session, call_id: str, field: str, value: Value, account: str, at: datetime) -> DraftRow:
    """Put `value` into a field in the name of an account, during the call or after it, until it is accepted.

    A call nothing was heard of yet gets an empty draft first. Raises NoSuchCall, Accepted, UnknownField,
    ValueNotAllowed. Needs a session from `Database.write()`.
    """
    value = allowed(field, value)
    row = _open_draft(session, call_id, at)
    before = session.get(DraftEdit, (call_id, field))
    if before is None:
        old = value_of(row.fields, field)
        session.add(DraftEdit(call_id=call_id, field=field, value=value, by=account, at=at))
    elif before.value == value:
        return row
    else:
        old, before.value, before.by, before.at = before.value, value, account, at
    session.flush()
    _note(session, call_id, account, at, field=field, old=old, new=value)
    return row


def undo(session: Session, call_id: str, field: str, account: str, at: datetime) -> DraftRow:
    """Take an edit back: the field says again what was heard. A field without an edit stays as it is.

    Raises NoSuchCall, Accepted, UnknownField.
    """
    if field not in EDITABLE:
        raise UnknownField(field)
    row = _open_draft(session, call_id, at)
    before = session.get(DraftEdit, (call_id, field))
    if before is not None:
        session.delete(before)
        session.flush()
        new = value_of(row.fields, field)
        _note(session, call_id, account, at, field=field, old=before.value, new=new, undone=True)
    return row


def edits_of(session: Session, call_ids: Iterable[str]) -> Mapping[str, dict[str, Value]]:
    """The edited fields of each of these calls; none for a call without."""
    found: dict[str, dict[str, Value]] = defaultdict(dict)
    rows = select(DraftEdit).where(DraftEdit.call_id.in_(list(call_ids))).order_by(DraftEdit.field)
    for row in session.scalars(rows):
        found[row.call_id][row.field] = row.value
    return found


def _open_draft(session: Session, call_id: str, at: datetime) -> DraftRow:
    serialise(session)  # what is read from here on is what is then changed
    if session.get(Call, call_id) is None:
        raise NoSuchCall(call_id)
    row = session.get(DraftRow, call_id, populate_existing=True)
    if row is None:
        row = DraftRow(call_id=call_id, version=0, fields=blank().as_dict(), complete=False, updated_at=at)
        session.add(row)
        session.flush()
    if row.accepted_at is not None:
        raise Accepted(call_id)
    return row


def _note(session: Session, call_id: str, account: str, at: datetime, **payload: Any) -> None:
    ledger.append(session, at=at, actor=f"account:{account}", kind=Kind.DRAFT_EDITED, subject=call_id, payload=payload)
