"""An account, the browsers it is logged in on, and the tries to log in."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from hotline.db.models import Model
from hotline.db.types import UtcSeconds


class Account(Model):
    """One person. Accounts are closed, never deleted: the ledger speaks of them."""

    __tablename__ = "accounts"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    """What is typed to log in; the ledger's actor is `account:<name>`."""
    display_name: Mapped[str] = mapped_column(String(64))
    role: Mapped[str] = mapped_column(String(32))
    """A key of `roles.ROLES`."""
    password_hash: Mapped[str] = mapped_column(String(200))
    must_change: Mapped[bool]
    """The password is a one-time one: good for nothing but choosing another."""
    active: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(UtcSeconds)

    @property
    def actor(self) -> str:
        return f"account:{self.name}"


class DeskSession(Model):
    """One browser that is logged in."""

    __tablename__ = "desk_sessions"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    """SHA-256 of the cookie: whoever reads the table cannot log in with it."""
    account_name: Mapped[str] = mapped_column(ForeignKey("accounts.name"), index=True)
    csrf: Mapped[str] = mapped_column(String(64))
    begun_at: Mapped[datetime] = mapped_column(UtcSeconds)
    seen_at: Mapped[datetime] = mapped_column(UtcSeconds)
    account: Mapped[Account] = relationship(lazy="joined")


class LoginTry(Model):
    """A try to log in that has not succeeded (yet)."""

    __tablename__ = "login_tries"
    __table_args__ = (Index(None, "at"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    name: Mapped[str] = mapped_column(String(32))
    address: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(UtcSeconds)
