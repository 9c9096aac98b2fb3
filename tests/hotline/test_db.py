"""The database keeps moments to the second, commits at the edge, and is built by its migrations."""

import multiprocessing
import threading
from datetime import UTC, datetime

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError, StatementError

from hotline.calls.models import Call, Utterance
from hotline.db import Database
from hotline.db.engine import ReadOnly
from hotline.db.migrate import current, head, is_current, upgrade
from hotline.db.models import Cursor, advance, position
from hotline.db.schema import metadata

AT = datetime(2026, 11, 22, 7, 18, 5, 600_000, tzinfo=UTC)


def a_call(call_id: str = "c1", answered_at: datetime = AT) -> Call:
    return Call(
        call_id=call_id,
        sip_call_id="x",
        card="card1",
        card_run="r1",
        caller="13812341234",
        called="12345",
        state="answered",
        answered_at=answered_at,
    )


def test_models_and_migrations_agree(db):
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_a_new_database_is_current_only_after_the_upgrade(tmp_path):
    db = Database(f"sqlite:///{tmp_path / 'deep' / 'er' / 'new.db'}")
    assert current(db) is None
    upgrade(db)
    upgrade(db)
    assert is_current(db)
    assert current(db) == head()
    db.close()


def _upgrade(url: str, start, failures) -> None:
    start.wait()
    try:
        db = Database(url)
        upgrade(db)
        assert is_current(db)
    except BaseException as error:
        failures.put(repr(error))
        raise


def test_several_processes_may_upgrade_at_once(tmp_path):
    spawn = multiprocessing.get_context("spawn")
    start, failures = spawn.Event(), spawn.Queue()
    url = f"sqlite:///{tmp_path / 'new.db'}"
    processes = [spawn.Process(target=_upgrade, args=(url, start, failures)) for _ in range(4)]
    for process in processes:
        process.start()
    start.set()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0, 0], failures.get()


def test_a_moment_comes_back_aware_and_to_the_second(db):
    with db.write() as session:
        session.add(a_call())
    with db.read() as session:
        call = session.get_one(Call, "c1")
        assert call.answered_at == AT.replace(microsecond=0)
        assert call.answered_at.tzinfo is UTC
        assert call.ended_at is None
        assert session.scalars(select(Call.call_id).where(Call.answered_at <= AT)).all() == ["c1"]
        assert session.execute(text("SELECT answered_at FROM calls")).scalar() == int(AT.timestamp())


def test_a_naive_moment_is_refused(db):
    with pytest.raises(StatementError, match="names no zone"), db.write() as session:
        session.add(a_call(answered_at=datetime(2026, 11, 22)))  # noqa: DTZ001


def test_an_error_in_the_block_leaves_nothing_behind(db):
    def break_off() -> None:
        with db.write() as session:
            session.add(a_call())
            session.flush()
            raise ConnectionAbortedError

    with pytest.raises(ConnectionAbortedError):
        break_off()
    with db.read() as session:
        assert session.get(Call, "c1") is None


def test_a_reading_session_changes_nothing(db):
    with db.read() as session:
        session.add(a_call())
        with pytest.raises(ReadOnly):
            session.flush()


def test_a_row_must_belong_to_a_call(db):
    with pytest.raises(IntegrityError), db.write() as session:
        session.add(
            Utterance(
                call_id="none", speaker="caller", start=0.0, end=1.0, text="", words=[], confidence=1, source="live"
            )
        )


def test_writers_wait_for_each_other_and_lose_no_update(db):
    with db.write() as session:
        session.add(Cursor(name="count", position=0))

    def count() -> None:
        for _ in range(25):
            with db.write() as session:
                session.get_one(Cursor, "count").position += 1

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with db.read() as session:
        assert position(session, "count") == 100


def test_a_cursor_moves_forward_only_so_an_event_is_taken_once(db):
    with db.write() as session:
        assert position(session, "card1/r1") == 0
        assert advance(session, "card1/r1", 3)
        assert not advance(session, "card1/r1", 3)
        assert not advance(session, "card1/r1", 2)
        assert advance(session, "card1/r1", 4)
    with db.read() as session:
        assert position(session, "card1/r1") == 4
