"""Calls whose drafts are written by hand: what the classifiers would make of words is no matter here."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hotline.accounts.models import Account
from hotline.calls.models import Call, Recording
from hotline.db import Database
from hotline.drafts.draft import Draft, Field, Span
from hotline.drafts.models import DraftRow

ANSWERED = datetime(2026, 11, 24, 10, 5, 0, tzinfo=UTC)
SPAN = Span(utterance=0, start=1.0, end=2.0, text="路灯坏了")
HEARD = {
    "title": "抚琴街道路灯不亮",
    "content": "来电人求助：路灯坏了。",
    "category": "求助",
    "topic": "城市管理/市政设施/路灯照明",
    "district": "金牛区",
    "street": "抚琴街道",
    "department": "市城管委",
    "direct": True,
    "urgent": False,
}
ASKS = {"address": "请问几号？", "phone": "请问怎么联系您？"}


def draft_of(**values: str | bool | None) -> dict[str, object]:
    """A stored draft of HEARD with these values instead; None leaves a field out."""
    named = {name: value for name, value in {**HEARD, **values}.items() if value is not None}
    asks = {name: ask for name, ask in ASKS.items() if name not in named}
    return Draft(**{name: Field(value, 0.9, SPAN) for name, value in named.items()}, asks=asks).as_dict()


def add_agents(db: Database, *names: str) -> None:
    with db.write() as session:
        for name in names:
            session.add(
                Account(name=name, display_name=f"小{name}", role="agent", password_hash="", must_change=False,
                        active=True, created_at=ANSWERED)
            )  # fmt: skip


def add_call(
    db: Database, call_id: str = "c1", *, taped: bool = True, lasted: int | None = 60, **values: object
) -> str:
    """A call of `lasted` seconds (None: it goes on) with the draft `draft_of(**values)`, or none for `draft=None`."""
    with db.write() as session:
        ended = None if lasted is None else ANSWERED + timedelta(seconds=lasted)
        session.add(
            Call(call_id=call_id, sip_call_id=call_id, card="0", card_run="0", caller="13800138000", called="12345",
                 state="closed" if ended else "connected", answered_at=ANSWERED, ended_at=ended)
        )  # fmt: skip
        session.flush()
        if taped:
            session.add(
                Recording(recording_id=f"{call_id}-0", call_id=call_id, part=0, path="a.wav", started_at=ANSWERED,
                          rate_hz=8000, state="closed")
            )  # fmt: skip
        if values.pop("draft", True):
            fields = draft_of(**values)  # type: ignore[arg-type]
            session.add(DraftRow(call_id=call_id, version=1, fields=fields, complete=True, updated_at=ANSWERED))
    return call_id
