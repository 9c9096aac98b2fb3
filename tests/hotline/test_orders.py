"""A draft becomes an order: numbered without gaps, tied to call and tape, with what the agent kept and changed."""

import json
import multiprocessing
import re
import threading
from datetime import UTC, datetime, timedelta

import pytest
from drafted import ANSWERED, add_agents, add_call, draft_of
from typer.testing import CliRunner

from hotline import cli_common
from hotline.cli import app
from hotline.db import Database
from hotline.db.migrate import upgrade
from hotline.drafts.edits import edit
from hotline.orders import queries
from hotline.orders.diffs import diffs
from hotline.orders.models import WorkOrder
from hotline.orders.report import report
from hotline.orders.service import AcceptedByAnother, Incomplete, NoDraft, accept
from hotline.records import ledger

AT = ANSWERED + timedelta(seconds=90)
DAY = "20261124"


@pytest.fixture
def agents(db):
    add_agents(db, "li", "wang")
    return db


def accepted(db, call_id="c1", account="li", at=AT):
    with db.write() as session:
        return accept(session, call_id, account, at)


def put(db, call_id="c1", **values):
    with db.write() as session:
        for field, value in values.items():
            edit(session, call_id, field, value, "li", AT)


# -- the order -----------------------------------------------------------------------------------------------


def test_an_accepted_draft_is_an_order_with_number_and_code_tied_to_call_and_tape(agents):
    add_call(agents)
    put(agents, category="投诉", phone="13900139000")
    order = accepted(agents)
    assert order.order_no == f"{DAY}000001"
    assert re.fullmatch("[2-9A-Y]{6}", order.extract_code)
    assert not set(order.extract_code) & set("0O1IL5SZBU")
    with agents.read() as session:
        kept = session.get_one(WorkOrder, order.order_no)
        assert (kept.state, kept.channel, kept.call_id, kept.recording_id) == ("draft", "phone", "c1", "c1-0")
        assert (kept.agent, kept.accepted_at, kept.account.display_name) == ("li", AT, "小li")
        assert (kept.category, kept.district, kept.urgent) == ("投诉", "金牛区", False)
        assert kept.fields == {"content": "来电人求助：路灯坏了。", "direct": True, "phone": "13900139000"}
        assert kept.draft_original == draft_of(), "the draft as it was heard"
        assert kept.diffs["category"] == {"suggested": "求助", "final": "投诉", "kind": "changed"}
        assert kept.diffs["phone"]["kind"] == "filled"


def test_the_ledger_says_that_it_was_accepted_and_nothing_of_the_caller(agents):
    add_call(agents)
    put(agents, category="投诉", phone="13900139000", street=None)
    order = accepted(agents)
    with agents.read() as session:
        row = ledger.history(session, "c1")[-1]
        assert ledger.verify(session).whole
    assert (row.kind, row.actor, row.at) == ("order_drafted", "account:li", AT)
    assert json.loads(row.payload) == {
        "order_no": order.order_no, "call_id": "c1", "recording_id": "c1-0",
        "kept": 7, "changed": 1, "filled": 1, "cleared": 1,
    }  # fmt: skip


def test_accepted_again_by_the_same_agent_it_is_the_same_order_and_another_is_told_so(agents):
    add_call(agents)
    first = accepted(agents)
    again = accepted(agents, at=AT + timedelta(days=1))
    assert (again.order_no, again.extract_code, again.accepted_at) == (first.order_no, first.extract_code, AT)
    with pytest.raises(AcceptedByAnother) as refused:
        accepted(agents, account="wang")
    assert (refused.value.order_no, refused.value.by) == (first.order_no, "小li")
    with agents.read() as session:
        assert [row.kind for row in ledger.history(session, "c1")] == ["order_drafted"]


def test_nothing_is_accepted_that_nobody_could_review(agents):
    with pytest.raises(NoDraft):
        accepted(agents, add_call(agents, "silent", draft=False))
    with pytest.raises(Incomplete) as refused:
        accepted(agents, add_call(agents, "vague", title=None, category=None))
    assert refused.value.fields == ["title", "category"]
    put(agents, "vague", title="路灯", category="咨询", content=None)
    with pytest.raises(Incomplete) as refused:
        accepted(agents, "vague")
    assert refused.value.fields == ["content"]


def test_place_and_contact_may_be_unknown_and_the_call_may_have_no_tape(agents):
    add_call(agents, taped=False, district=None, street=None, topic=None, department=None)
    order = accepted(agents)
    assert (order.district, order.topic, order.recording_id) == (None, None, None)
    assert "phone" not in order.fields


# -- its number ----------------------------------------------------------------------------------------------


def test_numbers_begin_anew_with_each_day_in_shanghai(agents):
    for n, at in enumerate(
        (
            datetime(2026, 11, 24, 15, 59, 58, tzinfo=UTC),
            datetime(2026, 11, 24, 15, 59, 59, tzinfo=UTC),
            datetime(2026, 11, 24, 16, 0, 0, tzinfo=UTC),
            datetime(2026, 11, 25, 1, 0, 0, tzinfo=UTC),
        )
    ):
        accepted(agents, add_call(agents, f"c{n}"), at=at)
    with agents.read() as session:
        numbers = [order.order_no for order, _ in queries.accepted(session)]
    assert numbers == ["20261124000001", "20261124000002", "20261125000001", "20261125000002"]


def test_an_acceptance_that_fails_leaves_no_gap(agents):
    for n in range(3):
        add_call(agents, f"c{n}")
    accepted(agents, "c0")

    def break_off() -> None:
        with agents.write() as session:
            accept(session, "c1", "li", AT)
            raise ConnectionAbortedError

    with pytest.raises(ConnectionAbortedError):
        break_off()
    assert accepted(agents, "c2").order_no == f"{DAY}000002"


def _accept_many(url: str, calls: list[str], begin, failures) -> None:
    db = Database(url)
    begin.wait()
    try:
        for call_id in calls:
            accepted(db, call_id)
    except BaseException as error:
        failures.put(repr(error))
        raise
    finally:
        db.close()


def test_desks_that_accept_at_once_leave_no_gap_and_give_no_number_twice(tmp_path):
    url = f"sqlite:///{tmp_path / 'hotline.db'}"
    db = Database(url)
    upgrade(db)
    add_agents(db, "li")
    calls = [add_call(db, f"c{n}") for n in range(40)]
    spawn = multiprocessing.get_context("spawn")
    begin, failures = spawn.Event(), spawn.Queue()
    desks = [spawn.Process(target=_accept_many, args=(url, calls[n::2], begin, failures)) for n in range(2)]
    for desk in desks:
        desk.start()
    begin.set()
    for desk in desks:
        desk.join(120)
    assert [desk.exitcode for desk in desks] == [0, 0], failures.get()
    with db.read() as session:
        orders = [order for order, _ in queries.accepted(session)]
    assert [order.order_no for order in orders] == [f"{DAY}{n:06}" for n in range(1, 41)]
    assert {order.call_id for order in orders} == set(calls)
    db.close()


def test_a_call_accepted_twice_at_once_is_one_order(agents):
    add_call(agents)
    got: list[str] = []
    threads = [threading.Thread(target=lambda: got.append(accepted(agents).order_no)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == [f"{DAY}000001"] * 6


# -- what was kept of the draft ------------------------------------------------------------------------------


def test_a_field_was_kept_changed_filled_or_cleared_and_one_nobody_knows_was_nothing():
    found = diffs(
        draft_of(address=None), draft_of(address="一环路", category="投诉", street=None, title="抚琴街道路灯不亮")
    )
    assert {name: diff["kind"] for name, diff in found.items() if diff["kind"] != "kept"} == {
        "address": "filled", "category": "changed", "street": "cleared",
    }  # fmt: skip
    assert found["title"]["kind"] == "kept"
    assert "phone" not in found
    assert "doubt" not in found


def test_the_report_counts_per_field_and_leaves_what_was_never_suggested_out_of_the_rate(agents):
    for n, edits in enumerate(({"category": "投诉"}, {"street": None}, {"phone": "13900139000"}, {})):
        put(agents, add_call(agents, f"c{n}"), **edits)
        accepted(agents, f"c{n}", at=AT + timedelta(seconds=10 * n))
    with agents.read() as session:
        found = report(queries.accepted(session))
    assert found.orders == 4
    category, street, phone = (found.fields[name] for name in ("category", "street", "phone"))
    assert (category.kept, category.changed, category.of, category.rate) == (3, 1, 4, 0.75)
    assert (street.kept, street.cleared, street.rate) == (3, 1, 0.75)
    assert (phone.filled, phone.of, phone.rate) == (1, 0, None)
    assert found.total.kept == sum(one.kept for one in found.fields.values())
    assert "persons" not in found.fields
    assert (found.after_call_seconds, found.since_answer_seconds) == (45.0, 105.0)


def test_an_order_accepted_while_the_call_went_on_took_no_time_after_it(agents):
    accepted(agents, add_call(agents, lasted=300))
    accepted(agents, add_call(agents, "c2", lasted=None))
    with agents.read() as session:
        found = report(queries.accepted(session))
    assert (found.after_call_seconds, found.since_answer_seconds) == (0.0, 90.0)


def test_the_command_tells_numerator_denominator_and_percent_since_a_day_in_shanghai(tmp_path, monkeypatch):
    monkeypatch.setenv("HOTLINE_VAR", str(tmp_path))
    monkeypatch.delenv("HOTLINE_DATABASE_URL", raising=False)
    db = Database(f"sqlite:///{tmp_path / 'hotline.db'}")
    upgrade(db)
    add_agents(db, "li")
    for n, at in enumerate((AT, datetime(2026, 11, 24, 16, 0, 0, tzinfo=UTC))):
        put(db, add_call(db, f"c{n}"), category="投诉", phone="13900139000")
        accepted(db, f"c{n}", at=at)
    db.close()
    monkeypatch.setattr(cli_common.logging, "configure", lambda *_args, **_more: None)  # its streams end with it
    run = CliRunner().invoke
    table = run(app, ["drafts", "report"]).stdout
    assert re.search(r"category +0 +2 +0 +0 +0/2 0\.0%", table)
    assert re.search(r"district +2 +0 +0 +0 +2/2 100\.0%", table)
    assert re.search(r"phone +0 +0 +2 +0 +—", table)
    found = json.loads(run(app, ["drafts", "report", "--since", "2026-11-25", "--json"]).stdout)
    assert found["orders"] == 1
    assert found["fields"]["category"] == {
        "kept": 0, "changed": 1, "filled": 0, "cleared": 0, "numerator": 0, "denominator": 1, "rate": 0.0,
    }  # fmt: skip
    assert found["fields"]["phone"]["rate"] is None
