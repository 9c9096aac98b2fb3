"""The ledger is gapless, in order, and tells when it has been tampered with."""

import json
import threading
from datetime import UTC, datetime

import pytest
from sqlalchemy import delete, update

from hotline.db.models import advance
from hotline.records import ledger
from hotline.records.models import Record

AT = datetime(2026, 11, 22, 7, 18, 5, tzinfo=UTC)


def fill(db, count: int = 6) -> None:
    with db.write() as session:
        for n in range(1, count + 1):
            ledger.append(
                session,
                at=AT,
                actor="card1",
                kind="call_answered",
                subject=f"c{n % 2}",
                payload={"n": n, "去": "向"},
            )


def verdict(db) -> ledger.Verdict:
    with db.read() as session:
        return ledger.verify(session)


def change(db, seq: int, **values: object) -> None:
    with db.write() as session:
        session.execute(update(Record).where(Record.seq == seq).values(**values))


def test_an_untouched_ledger_is_whole(db):
    assert verdict(db) == ledger.Verdict(0)
    fill(db)
    assert verdict(db) == ledger.Verdict(6)
    assert verdict(db).whole


def test_a_rolled_back_row_leaves_no_gap(db):
    def break_off() -> None:
        with db.write() as session:
            ledger.append(session, at=AT, actor="a", kind="k", subject="s", payload={})
            raise ConnectionAbortedError

    with pytest.raises(ConnectionAbortedError):
        break_off()
    fill(db, 2)
    assert verdict(db) == ledger.Verdict(2)


def test_rows_from_many_threads_form_one_chain(db):
    threads = [threading.Thread(target=fill, args=(db, 20)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert verdict(db) == ledger.Verdict(80)


@pytest.mark.parametrize(
    "values",
    [
        {"actor": "someone else"},
        {"kind": "call_lost"},
        {"subject": "c9"},
        {"at": datetime(2026, 11, 22, 7, 18, 6, tzinfo=UTC)},
        {"payload": '{"n":9}'},
        {"payload": None},
        {"payload_digest": "0" * 64},
        {"prev_hash": "0" * 64},
        {"hash": "0" * 64},
    ],
)
def test_an_altered_row_is_named(db, values):
    fill(db)
    change(db, 4, **values)
    found = verdict(db)
    assert found.first_bad_seq == 4
    assert found.problem


def test_a_missing_row_is_named(db):
    fill(db)
    with db.write() as session:
        session.execute(delete(Record).where(Record.seq == 3))
    assert verdict(db) == ledger.Verdict(2, 3, "rows are missing")


def test_a_missing_tail_is_noticed_once_it_was_published(db):
    fill(db)
    with db.write() as session:
        advance(session, ledger.OUTBOX, 6)
    with db.write() as session:
        session.execute(delete(Record).where(Record.seq > 4))
    assert verdict(db).first_bad_seq == 5


def test_an_inserted_row_is_named(db):
    fill(db)
    with db.write() as session:
        for seq in (6, 5, 4):
            session.execute(update(Record).where(Record.seq == seq).values(seq=seq + 1))
        session.add(
            Record(
                seq=4,
                at=AT,
                actor="x",
                kind="k",
                subject="s",
                payload="{}",
                payload_digest="0" * 64,
                prev_hash="0" * 64,
                hash="0" * 64,
            )
        )
    assert verdict(db).first_bad_seq == 4


def test_an_erased_payload_leaves_the_chain_whole_and_says_who_erased_it(db):
    fill(db)
    with db.write() as session:
        ledger.erase(session, 2, at=AT, actor="admin", reason="a caller's right")
    assert verdict(db) == ledger.Verdict(7)
    with db.read() as session:
        assert ledger.history(session, "c0")[-1].kind == ledger.ERASED
        assert session.get_one(Record, 2).payload is None


def test_the_history_of_a_subject_is_its_rows_oldest_first(db):
    fill(db)
    with db.read() as session:
        assert [row.seq for row in ledger.history(session, "c1")] == [1, 3, 5]
        assert [row.seq for row in ledger.after(session, 4, 10)] == [5, 6]


def test_a_name_of_lone_surrogates_is_kept_without_breaking_anything(db):
    name = "\udcd5\udcc5"
    with db.write() as session:
        ledger.append(session, at=AT, actor="a", kind="k", subject="s", payload={"name": name})
    assert verdict(db).whole
    with db.read() as session:
        assert json.loads(session.get_one(Record, 1).payload or "") == {"name": name}


@pytest.mark.parametrize("kind", ["", "Call", "a/b", "a+", "#", "呼叫"])
def test_a_kind_that_is_no_topic_is_refused(db, kind):
    with pytest.raises(ledger.BadKind), db.write() as session:
        ledger.append(session, at=AT, actor="a", kind=kind, subject="s", payload={})
