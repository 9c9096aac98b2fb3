"""The draft becomes an order: numbered, given its code, tied to call and tape; nothing of it is lost."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hotline.calls.queries import recording
from hotline.clock import shanghai, to_second
from hotline.db import serialise
from hotline.drafts.allowed import EDITABLE
from hotline.drafts.edits import edits_of
from hotline.drafts.models import DraftRow
from hotline.drafts.overlay import overlay, value_of
from hotline.events import Kind
from hotline.orders import queries
from hotline.orders.diffs import KINDS, diffs
from hotline.orders.models import WorkOrder
from hotline.records import ledger

log = structlog.get_logger()

NEEDED = ("title", "content", "category")
"""Without these nobody could review it; the place may be not given, and who calls may wish to stay unknown."""
COLUMNS = ("title", "category", "topic", "district", "street", "department", "urgent")
"""The draft's fields that are columns of an order."""
_CODE_LETTERS = "2346789ACDEFGHJKMNPQRTVWXY"  # none that is taken for another: no 0/O, 1/I/L, 5/S, 2/Z, 8/B, U/V
_CODE_LENGTH = 6


class NoDraft(LookupError):
    """Nothing was said yet and nobody has written anything: there is nothing to accept."""


class Incomplete(ValueError):
    """`fields` are unknown, and no order is without them."""

    def __init__(self, fields: Sequence[str]) -> None:
        super().__init__(f"an order needs {', '.join(fields)}")
        self.fields = fields


class AcceptedByAnother(Exception):
    """Somebody else has accepted it, as `order_no`; `by` is their name as people call them."""

    def __init__(self, order: WorkOrder) -> None:
        super().__init__(f"accepted by {order.agent} as {order.order_no}")
        self.order_no, self.by = order.order_no, order.account.display_name


def accept(session: Session, call_id: str, account: str, at: datetime) -> WorkOrder:
    """The call's draft, with its edits, as an order in state `draft`. Asked again by the same account, the same order.

    During the call or after it: the draft then stays as it was accepted, whatever is said later. Raises NoDraft,
    Incomplete, AcceptedByAnother. Needs a session from `Database.write()`.
    """
    serialise(session)  # one at a time from here: numbers have no gaps, and a call becomes one order
    if (known := queries.of_call(session, call_id)) is not None:
        if known.agent != account:
            raise AcceptedByAnother(known)
        return known
    row = session.get(DraftRow, call_id, populate_existing=True)
    if row is None:
        raise NoDraft(call_id)
    final = overlay(row.fields, edits_of(session, [call_id])[call_id])
    if unknown := [name for name in NEEDED if not value_of(final, name)]:
        raise Incomplete(unknown)
    order = _order(session, row, final, account, to_second(at))
    session.add(order)
    row.accepted_at = order.accepted_at
    session.flush()
    _note(session, order)
    log.info("order drafted", call=call_id, order=order.order_no)
    return order


def _order(session: Session, row: DraftRow, final: Mapping[str, Any], account: str, at: datetime) -> WorkOrder:
    values = {name: value_of(final, name) for name in EDITABLE}
    columns: dict[str, Any] = {name: values.pop(name) for name in COLUMNS}
    tape = recording(session, row.call_id)
    return WorkOrder(
        order_no=next_number(session, at),
        extract_code=extract_code(),
        state="draft",
        channel="phone",
        call_id=row.call_id,
        recording_id=tape.recording_id if tape is not None else None,
        agent=account,
        accepted_at=at,
        **{**columns, "urgent": bool(columns["urgent"])},
        fields={name: value for name, value in values.items() if value is not None},
        draft_original=row.fields,
        diffs=diffs(row.fields, final),
    )


def next_number(session: Session, at: datetime) -> str:
    """The day's next number. Only for whoever holds the turn to write (`serialise`)."""
    day = f"{shanghai(at):%Y%m%d}"
    last = session.scalar(select(func.max(WorkOrder.order_no)).where(WorkOrder.order_no.startswith(day)))
    return f"{day}{int(last[len(day) :]) + 1 if last else 1:06}"


def extract_code() -> str:
    return "".join(secrets.choice(_CODE_LETTERS) for _ in range(_CODE_LENGTH))


def _note(session: Session, order: WorkOrder) -> None:
    counts = Counter(diff["kind"] for diff in order.diffs.values())
    ledger.append(
        session,
        at=order.accepted_at,
        actor=f"account:{order.agent}",
        kind=Kind.ORDER_DRAFTED,
        subject=order.call_id,
        payload={
            "order_no": order.order_no,
            "call_id": order.call_id,
            "recording_id": order.recording_id,
            **{kind: counts[kind] for kind in KINDS},
        },
    )
