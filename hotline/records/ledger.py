"""Where each step of a call becomes a fact: appended in order, chained, and checked from end to end."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from hotline.clock import to_second
from hotline.db.engine import serialise
from hotline.db.models import position
from hotline.events import Kind
from hotline.records.models import Record

GENESIS = "0" * 64
"""The `prev_hash` of the first row."""
OUTBOX = "outbox"
"""The cursor that says up to which row the world has been told."""
ERASED = Kind.PAYLOAD_ERASED
"""The kind of the row that says another row's payload was erased, and why."""
_KIND = re.compile(r"[a-z][a-z0-9_]*")
_ROWS_AT_ONCE = 500


class BadKind(ValueError):
    """A kind is lower case words with underscores: it names a topic on the bus."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an examination of the chain found; `rows` is how many were good before it stopped."""

    rows: int
    first_bad_seq: int | None = None
    problem: str | None = None

    @property
    def whole(self) -> bool:
        return self.problem is None


def append(
    session: Session, *, at: datetime, actor: str, kind: str, subject: str, payload: Mapping[str, Any]
) -> Record:
    """Add a row in this transaction; numbers are gapless and in commit order.

    Needs a session from `Database.write()`. Raises `BadKind`, `NaiveTime`, or TypeError/ValueError
    for a payload that JSON cannot carry.
    """
    if not _KIND.fullmatch(kind):
        raise BadKind(kind)
    text = canonical(payload)
    serialise(session)
    last = session.scalars(select(Record).order_by(Record.seq.desc()).limit(1)).first()
    record = Record(
        seq=last.seq + 1 if last else 1,
        at=to_second(at),
        actor=actor,
        kind=kind,
        subject=subject,
        payload=text,
        payload_digest=_sha256(text),
        prev_hash=last.hash if last else GENESIS,
    )
    record.hash = _hash(record)
    session.add(record)
    session.flush()
    return record


def erase(session: Session, seq: int, *, at: datetime, actor: str, reason: str) -> Record:
    """Forget what row `seq` carried (a person's right), keep that it happened, and append who erased it."""
    record = session.get_one(Record, seq)
    record.payload = None
    return append(
        session, at=at, actor=actor, kind=ERASED, subject=record.subject, payload={"seq": seq, "reason": reason}
    )


def verify(session: Session) -> Verdict:
    """Walk the whole chain, a few hundred rows in memory at a time, to the first thing that is wrong.

    Catches an altered field or payload, a row missing or inserted anywhere, and a missing tail as far
    as the outbox had told it. A payload may be missing only if a later row says it was erased.
    """
    published = position(session, OUTBOX)
    good, prev_hash = 0, GENESIS
    blank: set[int] = set()
    rows = session.scalars(
        select(Record).order_by(Record.seq).execution_options(yield_per=_ROWS_AT_ONCE, populate_existing=True)
    )
    for record in rows:
        problem = _problem(record, good + 1, prev_hash)
        if problem:
            return Verdict(good, min(record.seq, good + 1), problem)
        if record.payload is None:
            blank.add(record.seq)
        elif record.kind == ERASED:
            blank.discard(json.loads(record.payload)["seq"])
        good, prev_hash = record.seq, record.hash
    if blank:
        return Verdict(good, min(blank), "the payload is gone and no row says it was erased")
    if published > good:
        return Verdict(good, good + 1, f"rows are missing at the end: {published} were published")
    return Verdict(good)


def history(session: Session, subject: str) -> Sequence[Record]:
    """All that happened to one call, order or person, oldest first."""
    return session.scalars(select(Record).where(Record.subject == subject).order_by(Record.seq)).all()


def after(session: Session, seq: int, limit: int) -> Sequence[Record]:
    """Up to `limit` rows beyond `seq`, in order: what the outbox or a page that was away still owes."""
    return session.scalars(select(Record).where(Record.seq > seq).order_by(Record.seq).limit(limit)).all()


def newest(session: Session) -> int:
    """The number of the newest row; 0 for an empty ledger."""
    return session.scalars(select(Record.seq).order_by(Record.seq.desc()).limit(1)).first() or 0


def canonical(value: Mapping[str, Any]) -> str:
    """JSON that is the same for the same content: sorted keys, no spaces, Chinese readable."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    # A caller's name in GBK arrives as lone surrogates, which no database takes: inside JSON their
    # backslash form says the same.
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _problem(record: Record, expected_seq: int, prev_hash: str) -> str | None:
    if record.seq > expected_seq:
        return "rows are missing"
    if record.seq < expected_seq:
        return "a row has no place in the chain"
    if record.prev_hash != prev_hash:
        return "the row does not follow the one before"
    if record.payload is not None and _sha256(record.payload) != record.payload_digest:
        return "the payload was altered"
    if _hash(record) != record.hash:
        return "a field was altered"
    return None


def _hash(record: Record) -> str:
    return _sha256(
        canonical(
            {
                "seq": record.seq,
                "at": int(record.at.timestamp()),
                "actor": record.actor,
                "kind": record.kind,
                "subject": record.subject,
                "payload_digest": record.payload_digest,
                "prev_hash": record.prev_hash,
            }
        )
    )


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
