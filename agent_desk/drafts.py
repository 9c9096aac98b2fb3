"""The draft under the agent's hand: a field put right, an edit taken back, the whole accepted as an order."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field, StrictBool, StrictStr
from sqlalchemy.orm import Session

from agent_desk import views
from agent_desk.calls import CallId
from agent_desk.door import CallTaker, Db, Watcher
from agent_desk.problems import Problem, responses
from agent_desk.views import ChoicesView, DraftView, OrderView
from hotline.clock import now
from hotline.drafts import allowed, edits
from hotline.orders import queries, service
from hotline.records import ledger
from hotline.units import gazetteer, topics

router = APIRouter(prefix="/api", tags=["drafts"])

_FIELD = f"^({'|'.join(allowed.EDITABLE)})$"
FieldName = Annotated[str, Path(max_length=32, pattern=_FIELD)]


class FieldChange(BaseModel):
    """Null takes the value away: the caller did not give it."""

    field: str = Field(max_length=32, pattern=_FIELD)
    value: Annotated[StrictStr, Field(max_length=5000)] | StrictBool | None


_CAN_BE = {
    "title": "标题最多 30 个字",
    "content": "诉求内容最多 4000 个字",
    "category": f"类别只能是{'、'.join(allowed.CATEGORIES)}",
    "topic": "主题请从目录中选择",
    "also": "另一诉求请从主题目录中选择",
    "district": "区(市)县请从目录中选择",
    "occurred_at": "发生时间写作 2026、2026-11、2026-11-24 或 2026-11-24 18:00",
    "handover": f"移交只能是{'、'.join(allowed.HANDOVERS)}，或者留空",
    "department": "主办单位请从目录中选择，或写作“某某街道办”",
    "assist": "协办单位请从目录中选择，多个单位用顿号分开",
    "phone": "联系电话只能是 3 到 20 位数字",
    "amount": "涉及金额只能是数字，单位元",
    "wish": "只能是匿名或保密，或者留空",
    "urgent": "只能是紧急或不紧急",
}
_NEEDED = {"title": "标题", "content": "诉求内容", "category": "类别"}


@contextmanager
def _told() -> Iterator[None]:
    """What can go wrong with a draft, said to the agent."""
    try:
        yield
    except edits.NoSuchCall:
        raise Problem(404, "no-such-call", "没有这通电话") from None
    except service.NoDraft:
        raise Problem(409, "no-draft", "这通电话还没有草稿，不能受理") from None
    except edits.Accepted:
        raise Problem(409, "accepted", "已受理，草稿不能再改") from None
    except service.AcceptedByAnother as error:
        raise Problem(409, "accepted", f"已由{error.by}受理，工单号 {error.order_no}") from None
    except service.Incomplete as error:
        names = "、".join(_NEEDED[name] for name in error.fields)
        raise Problem(409, "incomplete", f"还不能受理：请先填写{names}") from None
    except allowed.ValueNotAllowed as error:
        raise Problem(422, "value-not-allowed", _CAN_BE.get(error.field, "内容过长，或含有不能显示的字符")) from None


@router.get("/choices", responses=responses(401, 403))
def choices(person: Watcher) -> ChoicesView:
    """What the fields of a draft can be, from the catalogues."""
    return ChoicesView(
        category=list(allowed.CATEGORIES),
        topic=list(topics.load()),
        district=list(gazetteer.load().districts),
        department=list(allowed.departments()),
        handover=list(allowed.HANDOVERS),
        wish=list(allowed.WISHES),
        streets={district: list(names) for district, names in allowed.streets().items()},
    )


@router.patch("/calls/{call_id}/draft", responses=responses(400, 401, 403, 404, 409, 413, 422))
def edit_draft(call_id: CallId, body: FieldChange, person: CallTaker, db: Db) -> DraftView:
    """Put one field right. What is heard later does not overwrite it."""
    with _told(), db.write() as session:
        edits.edit(session, call_id, body.field, body.value, person.name, now())
        return _as_it_stands(session, call_id, person.sees_numbers)


@router.delete("/calls/{call_id}/draft/{field}", responses=responses(401, 403, 404, 409, 422))
def undo_edit(call_id: CallId, field: FieldName, person: CallTaker, db: Db) -> DraftView:
    """Take one edit back: the field says again what was heard."""
    with _told(), db.write() as session:
        edits.undo(session, call_id, field, person.name, now())
        return _as_it_stands(session, call_id, person.sees_numbers)


@router.post("/calls/{call_id}/accept", responses=responses(401, 403, 404, 409, 422))
def accept(call_id: CallId, person: CallTaker, db: Db) -> OrderView:
    """Make the draft an order. Asked again by the same person, the same order."""
    with _told(), db.write() as session:
        return views.order_view(service.accept(session, call_id, person.name, now()), whole=person.sees_numbers)


def _as_it_stands(session: Session, call_id: str, whole: bool) -> DraftView:
    view = views.draft_view(queries.paperwork(session, call_id), ledger.newest(session), whole=whole)
    assert view is not None, "an edit leaves a draft"
    return view
