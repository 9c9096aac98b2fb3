"""The door to the database: one transaction a use, committed once, at the edge."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.orm import Session, sessionmaker

BUSY_SECONDS = 15
"""How long a writer waits for its turn on SQLite before it raises."""
LEDGER_LOCK = 12345
"""The PostgreSQL advisory lock that stands for BEGIN IMMEDIATE."""
_WRITES = "hotline_writes"


class ReadOnly(RuntimeError):
    """Something was changed in a session opened for reading."""


class Database:
    """A pool of connections to the database at `url` (`sqlite:///path` or `postgresql+…://…`)."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = build_engine(url)
        self._writing = sessionmaker(
            self.engine.execution_options(**{_WRITES: True}), expire_on_commit=False, autobegin=True
        )
        self._reading = sessionmaker(self.engine, expire_on_commit=False)
        event.listen(self._reading, "before_flush", _refuse)

    @contextmanager
    def write(self) -> Iterator[Session]:
        """One writing transaction: committed when the block ends, rolled back when it raises.

        On SQLite it begins IMMEDIATE, so it waits for its turn at the start and never fails halfway.
        """
        with self._writing.begin() as session:
            # Begun now, not at the first statement: what the block reads is what it then changes.
            session.connection()
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        """One consistent view; changing anything in it raises `ReadOnly`."""
        with self._reading() as session:
            yield session

    def close(self) -> None:
        self.engine.dispose()


def serialise(session: Session) -> None:
    """Let one appender at a time through until this transaction ends."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LEDGER_LOCK})


def build_engine(url: str, *, foreign_keys: bool = True) -> Engine:
    """An engine with this house's manners; migrations rebuild tables and so turn foreign keys off."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return create_engine(parsed, json_serializer=_json, pool_pre_ping=True)
    if parsed.database and parsed.database != ":memory:":
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(parsed, json_serializer=_json, connect_args={"timeout": BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: object) -> None:
        # The driver would begin by itself, and only DEFERRED: on_begin says when and how instead.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
        if cursor.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute(f"PRAGMA foreign_keys = {'ON' if foreign_keys else 'OFF'}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(_WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


@contextmanager
def locked(engine: Engine) -> Iterator[Connection]:
    """A connection in one writing transaction that no other process shares (for migrations)."""
    with engine.execution_options(**{_WRITES: True}).begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LEDGER_LOCK})
        yield connection


def _refuse(session: Session, _context: object, _instances: object) -> None:
    if session.new or session.dirty or session.deleted:
        raise ReadOnly("use Database.write() to change rows")


def _json(value: Any) -> str:
    # Lone surrogates (a name in GBK) in the backslash form that JSON reads back and any database takes.
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
