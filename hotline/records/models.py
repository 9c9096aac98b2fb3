"""A row of the ledger: one thing that happened, chained to the one before."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from hotline.db.models import Model
from hotline.db.types import UtcSeconds


class Record(Model):
    """Who did what to which subject in which second.

    `payload` is canonical JSON, None once erased; `payload_digest` stays, and `hash` covers the
    digest, so that an erased payload leaves the chain whole. Hashes are hexadecimal SHA-256.
    """

    __tablename__ = "records"
    __table_args__ = (Index(None, "subject", "seq"),)

    seq: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False
    )
    at: Mapped[datetime] = mapped_column(UtcSeconds)
    actor: Mapped[str] = mapped_column(String(100))
    kind: Mapped[str] = mapped_column(String(100))
    subject: Mapped[str] = mapped_column(String(200))
    payload: Mapped[str | None] = mapped_column(Text)
    payload_digest: Mapped[str] = mapped_column(String(64))
    prev_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))
