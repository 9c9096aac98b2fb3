"""What is asked about orders, and of a call: how its draft stands and whether it is one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from hotline.calls.models import Call
from hotline.drafts.edits import edits_of
from hotline.drafts.models import DraftRow
from hotline.drafts.overlay import overlay
from hotline.orders.models import WorkOrder


@dataclass(frozen=True, slots=True)
class Paperwork:
    """A call's draft, its fields with the agent's edits over them (`overlay`), and the order it became."""

    draft: DraftRow | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    order: WorkOrder | None = None


def paperwork(session: Session, call_id: str) -> Paperwork:
    return paperwork_of(session, {call_id: session.get(DraftRow, call_id)})[call_id]


def paperwork_of(session: Session, drafts: Mapping[str, DraftRow | None]) -> Mapping[str, Paperwork]:
    """Of several calls, whose drafts are at hand."""
    edits = edits_of(session, drafts)
    orders = {
        order.call_id: order for order in session.scalars(select(WorkOrder).where(WorkOrder.call_id.in_(list(drafts))))
    }
    return {
        call_id: Paperwork(
            draft,
            overlay(draft.fields, edits.get(call_id, {})) if draft is not None else {},
            orders.get(call_id),
        )
        for call_id, draft in drafts.items()
    }


def of_call(session: Session, call_id: str) -> WorkOrder | None:
    return session.scalars(select(WorkOrder).where(WorkOrder.call_id == call_id)).first()


def accepted(session: Session, since: datetime | None = None) -> list[tuple[WorkOrder, Call]]:
    """Orders with their calls, in the order of their numbers."""
    wanted = select(WorkOrder, Call).join(Call, Call.call_id == WorkOrder.call_id).order_by(WorkOrder.order_no)
    if since is not None:
        wanted = wanted.where(WorkOrder.accepted_at >= since)
    return [(order, call) for order, call in session.execute(wanted)]
