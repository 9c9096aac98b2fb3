"""A desk for tests: the real application on a migrated SQLite file, with a call, its words, draft and tape."""

from __future__ import annotations

import shutil
import sqlite3
import struct
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog
from broker_process import BrokerProcess
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from starlette.testclient import TestClient

from agent_desk.app import build
from agent_desk.door import COOKIE
from agent_desk.live import Feed
from hotline import bus
from hotline.accounts import service as accounts
from hotline.accounts.models import Account
from hotline.accounts.roles import ROLES
from hotline.calls import service as calls
from hotline.clock import now
from hotline.db import Database, engine
from hotline.db.migrate import upgrade
from hotline.records.models import Record
from recordings import wav

PASSWORD = "Correct-Horse-9"
CALL = "20261122-151805-0abcd"
ANSWERED = datetime(2026, 11, 22, 7, 18, 5, tzinfo=UTC)
NUMBER, SPOKEN_NUMBER = "13812345678", "幺三八幺二三四五六七八"
SAID = (
    ["金牛区", "抚琴街道", "燃气", "泄漏", "味道", "很大"],
    ["我", "的", "电话", "是", "幺三八", "幺二三四", "五六七八"],
)
RATE_HZ = 8000


@dataclass
class Browser:
    """Somebody's browser: a client with its cookie and, once logged in, its CSRF token."""

    http: TestClient
    token: str
    csrf: str

    @property
    def headers(self) -> dict[str, str]:
        return {"X-CSRF-Token": self.csrf}

    @property
    def cookie(self) -> str:
        return f"{COOKIE}={self.token}"

    def ask(self, method: str, path: str, json: Any = None, **headers: str | bytes) -> Any:
        return self.http.request(method, path, json=json, headers={**self.headers, **headers})


@dataclass
class Desk:
    db: Database
    vault: Path
    feed: Feed
    password: str = PASSWORD
    call_id: str = CALL
    facts: int = 0
    _clients: list[TestClient] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.app = build(self.db, self.feed, self.vault)

    # -- people ----------------------------------------------------------------------------------------------

    def stranger(self, address: str = "192.0.2.1", scheme: str = "http") -> TestClient:
        """A browser nobody is logged in on, at that network address."""
        client = TestClient(self.app, base_url=f"{scheme}://desk.test", client=(address, 40000))
        client.__enter__()
        self._clients.append(client)
        return client

    def browser(self, name: str = "administrator", *, at: datetime | None = None) -> Browser:
        """A browser on which the account is logged in already; every role has an account of its own name."""
        with self.db.write() as session:
            token, begun = accounts.log_in(session, accounts.get(session, name), "192.0.2.1", at or now())
            csrf = begun.csrf
        client = self.stranger()
        client.cookies.set(COOKIE, token)
        return Browser(client, token, csrf)

    def log_in(self, client: TestClient, name: str = "agent", password: str = PASSWORD, **headers: str) -> Any:
        return client.post("/api/session", json={"name": name, "password": password}, headers=headers)

    def add_account(self, name: str, role: str = "agent") -> str:
        """Gives its one-time password."""
        with self.db.write() as session:
            return accounts.create(session, name=name, display_name=name, role=role, at=now(), actor="test")[1]

    # -- what is in the books --------------------------------------------------------------------------------

    def rows(self, *kinds: str) -> list[Record]:
        with self.db.read() as session:
            found = session.query(Record).order_by(Record.seq).all()
            return [row for row in found if row.kind in kinds or not kinds]

    @property
    def newest(self) -> int:
        return self.rows()[-1].seq

    # -- calls -----------------------------------------------------------------------------------------------

    def tell(self, event: str, call_id: str = CALL, **fields: Any) -> None:
        """One fact of a card, recorded the way the line does it."""
        self.facts += 1
        fact = {"n": self.facts, "event": event, "at": ANSWERED.timestamp() + self.facts, "leg": call_id, **fields}
        with self.db.write() as session:
            calls.take(session, "0", "0-run", fact)

    def answer(self, call_id: str = CALL, **fields: Any) -> None:
        details = {"sip_call_id": f"sip-{call_id}", "caller": NUMBER, "caller_name": None, "called": "12345"}
        self.tell("answered", call_id, **{**details, "diverted_from": None, "answer_ms": 1.0, **fields})
        self.tell("tape_started", call_id, path=f"2026/11/22/{call_id}.wav", rate_hz=RATE_HZ)
        self.tell("connected", call_id)

    def hear(self, words: list[str], call_id: str = CALL, start: float = 1.0, text: str | None = None) -> None:
        said = [
            {"text": word, "start": start + n, "end": start + n + 1, "confidence": 0.9} for n, word in enumerate(words)
        ]
        self.tell(
            "heard", call_id, start=start, end=start + len(words), confidence=0.9, words=said,
            text="".join(words) if text is None else text,
        )  # fmt: skip

    def end(self, call_id: str = CALL, samples: int = 4 * RATE_HZ) -> None:
        self.tell("ended", call_id, cause=200, reason="OK", seconds=samples / RATE_HZ, hung_up_by="far end")
        self.tell("tape_closed", call_id, samples=samples, sha256="ab" * 32, lost_samples=0, filled_samples=0)
        self.tell("ears_stopped", call_id, seconds=samples / RATE_HZ)

    def tape(self, call_id: str = CALL, frames: int = 4 * RATE_HZ) -> bytes:
        """Write a tape into the vault: left at half scale, right silent. Gives the file's bytes."""
        path = self.vault / f"2026/11/22/{call_id}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(wav.header(RATE_HZ, frames) + struct.pack("<hh", 16384, 0) * frames)
        return path.read_bytes()

    def close(self) -> None:
        for client in self._clients:
            client.__exit__()
        self.db.close()


@pytest.fixture(autouse=True, scope="session")
def _quick_hashes() -> Iterator[None]:
    """Argon2 as ever, but with little to do: what is slow by design would be most of the time of these tests."""
    before = accounts._hasher
    accounts._hasher = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=64, parallelism=1),))
    accounts._nobodys_hash.cache_clear()
    yield
    accounts._hasher = before
    accounts._nobodys_hash.cache_clear()


@pytest.fixture(autouse=True)
def _own_logging() -> Iterator[None]:
    """Whatever another test configured has ended."""
    structlog.reset_defaults()
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with an account for every role (its name: the role's; its password: PASSWORD)."""
    path = tmp_path_factory.mktemp("desk") / "hotline.db"
    db = Database(f"sqlite:///{path}")
    upgrade(db)
    with db.write() as session:
        for role in ROLES:
            session.add(
                Account(
                    name=role, display_name=ROLES[role].title, role=role, active=True, must_change=False,
                    password_hash=accounts._hasher.hash(PASSWORD), created_at=ANSWERED,
                )
            )  # fmt: skip
    db.close()  # the last connection takes the write-ahead log along
    return path


@pytest.fixture(scope="session")
def make_desk(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Desk]:
    def make(mqtt_url: str = "mqtt://127.0.0.1:1") -> Desk:
        folder = tmp_path_factory.mktemp("desk")
        shutil.copy(migrated, folder / "hotline.db")
        db = Database(f"sqlite:///{folder / 'hotline.db'}")
        return Desk(db, folder / "recordings", Feed(db, mqtt_url))

    return make


@pytest.fixture
def busy(monkeypatch: pytest.MonkeyPatch) -> Callable[[Desk], AbstractContextManager[None]]:
    """Makes a desk's database busy: another connection writes and does not end."""

    @contextmanager
    def hold(desk: Desk) -> Iterator[None]:
        monkeypatch.setattr(engine, "BUSY_SECONDS", 0)
        desk.db.close()  # new connections wait no longer than that
        other = sqlite3.connect(str(desk.db.engine.url.database), isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            other.execute("ROLLBACK")
            other.close()

    return hold


def _with_a_call(desk: Desk) -> Desk:
    desk.answer(diverted_from="02887654321")
    for n, words in enumerate(SAID):
        desk.hear(words, start=1.0 + 10 * n)
    desk.end()
    desk.tape()
    return desk


@pytest.fixture
def desk(make_desk: Callable[..., Desk]) -> Iterator[Desk]:
    """One that a test may change as it likes; it holds one call that is over (CALL)."""
    made = _with_a_call(make_desk())
    yield made
    made.close()


@pytest.fixture(scope="module")
def shared_desk(make_desk: Callable[..., Desk]) -> Iterator[Desk]:
    """One for tests that only look."""
    made = _with_a_call(make_desk())
    yield made
    made.close()


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    process = BrokerProcess(tmp_path_factory.mktemp("broker"))
    process.start()
    yield process
    process.kill()


@pytest.fixture
def live_desk(make_desk, broker, monkeypatch):
    """One call in progress; rows are looked for often, because no line runs here that would announce them."""
    monkeypatch.setattr(bus, "OUTBOX_IDLE_SECONDS", 0.05)
    made = make_desk(broker.url)
    made.answer()
    yield made
    made.close()
