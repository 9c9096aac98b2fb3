"""Makes accounts, lets people in and out; each step is a ledger row."""

from __future__ import annotations

import hashlib
import re
import secrets
import threading
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from hotline.accounts.models import Account, DeskSession, LoginTry
from hotline.accounts.roles import ROLES
from hotline.events import Kind
from hotline.records import ledger

FIRST = "admin"
"""The account that a new hotline begins with."""
PASSWORD_LENGTH = (10, 200)
"""Fewest and most characters of a chosen password."""
IDLE = timedelta(hours=12)
LONGEST = timedelta(hours=24)
"""A session ends after this long unused, or after this long at all: one shift and the handover."""
_SEEN = timedelta(minutes=10)
"""How exactly it is kept when a session was last used."""

TRY_WINDOW = timedelta(minutes=15)
TRIES = {"here": 5, "address": 50, "name": 100}
"""Tries without success in the window: of one name from one address, of any name from one address, of one name from
anywhere. The last is high, so that a stranger cannot easily lock somebody out."""

_NAME = re.compile(r"[a-z][a-z0-9._-]{1,31}")
_hasher = PasswordHash((Argon2Hasher(),))
_one_at_once = threading.BoundedSemaphore(1)
"""Each takes 64 MiB and every core for a moment: a crowd that logs in must not take them from the line."""


class NameNotAllowed(ValueError):
    def __init__(self) -> None:
        super().__init__("a name has 2 to 32 small letters, digits, dots, dashes and underscores; a letter first")


class NameTaken(ValueError):
    pass


class NoSuchRole(ValueError):
    def __init__(self, role: str) -> None:
        super().__init__(f"{role}: roles are {', '.join(ROLES)}")


class NoSuchAccount(LookupError):
    pass


class PasswordTooWeak(ValueError):
    pass


class LastAdministrator(ValueError):
    """Nobody would be left who can manage accounts."""


class TooManyTries(Exception):
    def __init__(self, wait: timedelta) -> None:
        super().__init__(f"too many tries; wait {wait}")
        self.wait = wait


# -- accounts ------------------------------------------------------------------------------------------------


def create(
    session: Session, *, name: str, display_name: str, role: str, at: datetime, actor: str
) -> tuple[Account, str]:
    """A new account and its one-time password. Raises NameNotAllowed, NameTaken, NoSuchRole."""
    if not _NAME.fullmatch(name):
        raise NameNotAllowed
    if role not in ROLES:
        raise NoSuchRole(role)
    if session.get(Account, name) is not None:
        raise NameTaken(name)
    password = one_time_password()
    account = Account(
        name=name,
        display_name=display_name,
        role=role,
        password_hash=_hasher.hash(password),
        must_change=True,
        active=True,
        created_at=at,
    )
    session.add(account)
    session.flush()
    _note(session, at, actor, Kind.ACCOUNT_CREATED, account, display_name=display_name, role=role)
    return account, password


def first_administrator(session: Session, at: datetime) -> str | None:
    """A one-time password for the first account, as long as it is the only one and has chosen none; else None."""
    accounts = everybody(session)
    if not accounts:
        return create(session, name=FIRST, display_name="管理员", role="administrator", at=at, actor="hotline")[1]
    if len(accounts) > 1 or accounts[0].name != FIRST or not accounts[0].must_change or not accounts[0].active:
        return None
    return reset_password(session, accounts[0], at=at, actor="hotline")


def get(session: Session, name: str) -> Account:
    """Raises NoSuchAccount."""
    account = session.get(Account, name)
    if account is None:
        raise NoSuchAccount(name)
    return account


def everybody(session: Session) -> list[Account]:
    return list(session.scalars(select(Account).order_by(Account.name)))


def reset_password(session: Session, account: Account, *, at: datetime, actor: str) -> str:
    """A new one-time password; whoever was logged in with the old one is no longer."""
    password = one_time_password()
    account.password_hash, account.must_change = _hasher.hash(password), True
    _end_sessions(session, account)
    _note(session, at, actor, Kind.PASSWORD_RESET, account)
    return password


def chosen(account: Account, new: str) -> str:
    """The hash of the password that somebody chose. Slow by design, so outside any transaction.

    Raises PasswordTooWeak.
    """
    fewest, most = PASSWORD_LENGTH
    if not fewest <= len(new) <= most:
        raise PasswordTooWeak(f"a password has {fewest} to {most} characters")
    if account.name in new.lower() or len(set(new)) < 5:
        raise PasswordTooWeak(
            "a password does not hold the account's name, nor the same few characters again and again"
        )
    if is_password(account, new):
        raise PasswordTooWeak("the new password is the old one")
    with _one_at_once:
        return _hasher.hash(new)


def change_password(session: Session, account: Account, password_hash: str, *, at: datetime, keep: str) -> None:
    """The account's own choice (`chosen`); its other sessions end, the one with token hash ``keep`` goes on."""
    account.password_hash, account.must_change = password_hash, False
    _end_sessions(session, account, keep)
    _note(session, at, account.actor, Kind.PASSWORD_CHANGED, account)


def change(session: Session, account: Account, *, at: datetime, actor: str, **changes: Any) -> None:
    """Set ``display_name``, ``role`` or ``active``. A closed account's sessions end.

    Raises NoSuchRole, and LastAdministrator rather than leave nobody who can manage accounts.
    """
    old = {key: getattr(account, key) for key in changes}
    if old == changes:
        return
    if changes.get("role", account.role) not in ROLES:
        raise NoSuchRole(changes["role"])
    for key, value in changes.items():
        setattr(account, key, value)
    session.flush()
    administrators = select(func.count()).where(Account.role == "administrator", Account.active)
    if not session.scalar(administrators):
        raise LastAdministrator(account.name)
    if not account.active:
        _end_sessions(session, account)
    _note(session, at, actor, Kind.ACCOUNT_CHANGED, account, old=old, new=changes)


def one_time_password() -> str:
    """Four groups that can be read out and typed: no letter looks like a digit."""
    letters = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(letters) for _ in range(4)) for _ in range(4))


# -- in and out ----------------------------------------------------------------------------------------------


def check_tries(session: Session, name: str, address: str, at: datetime) -> None:
    """Raises TooManyTries while no further one is allowed; changes nothing."""
    recent = LoginTry.at >= at - TRY_WINDOW
    here, there = recent & (LoginTry.name == name), recent & (LoginTry.address == address)
    for most, which in ((TRIES["here"], here & there), (TRIES["address"], there), (TRIES["name"], here)):
        times = session.scalars(select(LoginTry.at).where(which).order_by(LoginTry.at.desc()).limit(most)).all()
        if len(times) == most:
            raise TooManyTries(times[-1] + TRY_WINDOW - at)


def note_try(session: Session, name: str, address: str, at: datetime) -> None:
    """Count a try before the password is looked at, so that many at once cannot slip through. Raises TooManyTries."""
    check_tries(session, name, address, at)
    session.execute(delete(LoginTry).where(LoginTry.at < at - TRY_WINDOW))
    session.add(LoginTry(name=name, address=address, at=at))


def forgive(session: Session, name: str, address: str) -> None:
    """The tries counted so far were somebody's own slips."""
    session.execute(delete(LoginTry).where(LoginTry.name == name, LoginTry.address == address))


def is_password(account: Account | None, password: str) -> bool:
    """Slow by design (argon2), and as slow for a name that does not exist. Outside any transaction, if it can be."""
    with _one_at_once:
        matches = _hasher.verify(password, account.password_hash if account is not None else _nobodys_hash())
    return matches and account is not None and account.active


def log_in(session: Session, account: Account, address: str, at: datetime) -> tuple[str, DeskSession]:
    """A new session and its token (for the cookie, kept nowhere here)."""
    session.execute(delete(DeskSession).where(DeskSession.begun_at < at - LONGEST))
    token = secrets.token_urlsafe(32)
    begun = DeskSession(
        token_hash=hash_of(token),
        account_name=account.name,
        csrf=secrets.token_urlsafe(24),
        begun_at=at,
        seen_at=at,
        account=account,
    )
    session.add(begun)
    session.flush()
    _note(session, at, account.actor, Kind.LOGGED_IN, account, address=address)
    return token, begun


def note_failure(session: Session, account: Account, address: str, at: datetime) -> None:
    """Only of names that exist: what else is typed there may be somebody's password."""
    _note(session, at, "desk", Kind.LOGIN_FAILED, account, address=address)


def log_out(session: Session, desk_session: DeskSession, at: datetime) -> None:
    session.delete(desk_session)
    _note(session, at, desk_session.account.actor, Kind.LOGGED_OUT, desk_session.account)


def find_session(session: Session, token_hash: str, at: datetime) -> DeskSession | None:
    """The session, if it still holds."""
    found = session.get(DeskSession, token_hash)
    if found is None or not found.account.active:
        return None
    if at - found.seen_at > IDLE or at - found.begun_at > LONGEST:
        return None
    return found


def is_stale(desk_session: DeskSession, at: datetime) -> bool:
    """Whether it should be written down again that the session is in use."""
    return at - desk_session.seen_at > _SEEN


def hash_of(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def _end_sessions(session: Session, account: Account, keep: str = "") -> None:
    session.execute(delete(DeskSession).where(DeskSession.account_name == account.name, DeskSession.token_hash != keep))


def _note(session: Session, at: datetime, actor: str, kind: Kind, account: Account, **payload: Any) -> None:
    ledger.append(session, at=at, actor=actor, kind=kind, subject=account.actor, payload=payload)


@cache
def _nobodys_hash() -> str:
    return _hasher.hash(secrets.token_urlsafe(16))
