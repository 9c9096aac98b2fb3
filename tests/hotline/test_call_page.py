"""What a list of calls is asked for: newest first, page by page, none twice and none left out."""

from datetime import UTC, date, datetime, timedelta

import pytest

from hotline.accounts.models import Account
from hotline.calls import queries
from hotline.calls.models import Call, Utterance
from hotline.drafts.draft import Draft, Field, Span
from hotline.drafts.edits import edit
from hotline.drafts.models import DraftRow

NOON = datetime(2026, 11, 22, 4, 0, 0, tzinfo=UTC)  # in Shanghai
SPAN = Span(utterance=0, start=0.0, end=1.0, text="燃气")
HEARD = {
    "urgent": {"urgent": True, "urgent_class": "燃气泄漏"},
    "calm": {"urgent": False},
    "doubt": {"urgent": False, "urgent_class": "燃气泄漏", "doubt": True},
}


def add(db, call_id: str, at: datetime = NOON, state: str = "closed") -> None:
    with db.write() as session:
        session.add(
            Call(call_id=call_id, sip_call_id=call_id, card="0", card_run="0", caller="1", called="12345",
                 state=state, answered_at=at)
        )  # fmt: skip
        session.flush()
        if call_id in HEARD:
            heard = Draft(**{name: Field(value, 0.9, SPAN) for name, value in HEARD[call_id].items()})
            session.add(DraftRow(call_id=call_id, version=1, fields=heard.as_dict(), complete=True, updated_at=at))


def page(db, **wanted) -> list[str]:
    asked = {"in_progress": None, "urgent": None, "day": None, "before": None, "limit": 100, **wanted}
    with db.read() as session:
        if asked["before"] is not None:
            asked["before"] = session.get_one(Call, asked["before"])
        return [call.call_id for call, _ in queries.page(session, **asked)]


def test_the_newest_call_comes_first_and_those_of_one_second_have_an_order(db):
    for n, name in enumerate(("b", "a", "c")):
        add(db, name, NOON + timedelta(minutes=n))
    add(db, "d", NOON + timedelta(minutes=2))
    assert page(db) == ["d", "c", "a", "b"]


def test_page_by_page_no_call_comes_twice_and_none_is_left_out(db):
    for n in range(23):
        add(db, f"c{n:02}", NOON + timedelta(seconds=n // 4))
    seen: list[str] = []
    while found := page(db, limit=5, before=seen[-1] if seen else None):
        seen += found
    assert seen == page(db)
    assert len(seen) == len(set(seen)) == 23


def test_calls_in_progress_and_calls_that_are_over_are_two_lists_that_make_the_whole(db):
    for state in ("answered", "connected", "ended", "closed"):
        add(db, state, state=state)
    assert set(page(db, in_progress=True)) == {"answered", "connected"}
    assert set(page(db, in_progress=False)) == {"ended", "closed"}


def test_what_is_urgent_in_doubt_is_shown_with_the_urgent(db):
    for name in HEARD:
        add(db, name)
    add(db, "silent")
    assert set(page(db, urgent=True)) == {"urgent", "doubt"}
    assert set(page(db, urgent=False)) == {"calm", "silent"}


def test_what_an_agent_decided_of_urgency_holds_against_what_was_heard(db):
    for name in HEARD:
        add(db, name)
    with db.write() as session:
        session.add(
            Account(name="li", display_name="李", role="agent", password_hash="", must_change=False, active=True,
                    created_at=NOON)
        )  # fmt: skip
        session.flush()
        edit(session, "doubt", "urgent", False, "li", NOON)
        edit(session, "calm", "urgent", True, "li", NOON)
    assert set(page(db, urgent=True)) == {"urgent", "calm"}
    assert set(page(db, urgent=False)) == {"doubt"}


@pytest.mark.parametrize(
    ("at", "day"),
    [
        (datetime(2026, 11, 22, 15, 59, 59, tzinfo=UTC), date(2026, 11, 22)),
        (datetime(2026, 11, 22, 16, 0, 0, tzinfo=UTC), date(2026, 11, 23)),
        (datetime(2026, 11, 21, 16, 0, 0, tzinfo=UTC), date(2026, 11, 22)),
    ],
)
def test_a_day_is_a_day_in_shanghai(db, at, day):
    add(db, "c", at)
    for other in range(-2, 3):
        assert page(db, day=day + timedelta(days=other)) == (["c"] if other == 0 else [])


def test_an_utterance_is_found_by_what_the_ledger_says_of_it(db):
    add(db, "c")
    with db.write() as session:
        for speaker, start, source in (("caller", 1.5, "live"), ("caller", 1.5, "tape"), ("agent", 1.5, "live")):
            session.add(
                Utterance(call_id="c", speaker=speaker, start=start, end=2.0, text=f"{speaker} {source}", words=[],
                          confidence=1.0, source=source)
            )  # fmt: skip
    with db.read() as session:
        assert queries.utterance(session, "c", "caller", 1.5, "tape").text == "caller tape"
        assert queries.utterance(session, "c", "agent", 1.5, "live").text == "agent live"
        assert queries.utterance(session, "c", "agent", 1.5, "tape") is None
        assert queries.utterance(session, "c", "caller", 1.6, "live") is None
