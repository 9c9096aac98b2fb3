"""Who stands before the desk: the session behind a cookie, what its role permits, and that a request is its own."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request
from sqlalchemy.exc import DBAPIError
from starlette.requests import HTTPConnection

from agent_desk.problems import Problem
from hotline.accounts import service
from hotline.accounts.models import DeskSession
from hotline.accounts.roles import ROLES, Permission
from hotline.clock import now
from hotline.db import Database

COOKIE = "hotline_session"
_SAFE = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True, slots=True)
class Person:
    """Whoever is logged in, as of this request."""

    name: str
    display_name: str
    role: str
    must_change_password: bool
    token_hash: str
    csrf: str

    @property
    def actor(self) -> str:
        return f"account:{self.name}"

    @property
    def permissions(self) -> frozenset[Permission]:
        """None but to choose a password while it is a one-time one."""
        return frozenset() if self.must_change_password else ROLES[self.role].permissions

    def may(self, permission: Permission) -> bool:
        return permission in self.permissions

    @property
    def sees_numbers(self) -> bool:
        return self.may(Permission.WHOLE_NUMBERS)


def person_of(session: DeskSession) -> Person:
    account = session.account
    return Person(
        name=account.name,
        display_name=account.display_name,
        role=account.role,
        must_change_password=account.must_change,
        token_hash=session.token_hash,
        csrf=session.csrf,
    )


def recognise(db: Database, token: str | None) -> Person | None:
    """The person behind a cookie's token; None if it is no session that holds."""
    if not token:
        return None
    at, token_hash = now(), service.hash_of(token)
    with db.read() as reading:
        found = service.find_session(reading, token_hash, at)
        if found is None:
            return None
        person, stale = person_of(found), service.is_stale(found, at)
    if stale:
        # a database that cannot be written now shall still be read
        with contextlib.suppress(DBAPIError), db.write() as writing:
            again = service.find_session(writing, token_hash, at)
            if again is not None:
                again.seen_at = at
    return person


def still_there(db: Database, person: Person) -> Person | None:
    """The same person as of now; None if their session holds no longer. Having a page open is not using it."""
    with db.read() as reading:
        found = service.find_session(reading, person.token_hash, now())
        return None if found is None else person_of(found)


def database(request: HTTPConnection) -> Database:
    db: Database = request.app.state.db
    return db


Db = Annotated[Database, Depends(database)]


def same_origin(request: HTTPConnection) -> bool:
    """Whether a browser says that the request comes from our own page, or says nothing of it (RFC 6454 §7)."""
    origin = request.headers.get("origin")
    if origin is None:
        return request.headers.get("sec-fetch-site", "none") in ("none", "same-origin")
    at = urlsplit(origin)
    ours = "https" if request.url.scheme in ("https", "wss") else "http"
    return (at.scheme, at.netloc) == (ours, request.headers.get("host", ""))


def from_our_page(request: Request) -> None:
    """For what changes something: no other site may have sent it, logged in or not."""
    if request.method not in _SAFE and not same_origin(request):
        raise Problem(403, "foreign-origin", "请求来自其他网站，已拒绝")


def logged_in(request: Request, db: Db) -> Person:
    """Anybody who is logged in, with a one-time password too. Changes need the session's CSRF token."""
    person = recognise(db, request.cookies.get(COOKIE))
    if person is None:
        raise Problem(401, "not-logged-in", "请先登录")
    if request.method not in _SAFE:
        from_our_page(request)
        sent = request.headers.get("x-csrf-token", "")
        if not secrets.compare_digest(sent.encode(errors="replace"), person.csrf.encode()):
            raise Problem(403, "csrf", "页面已过期，请刷新后再试")
    return person


LoggedIn = Annotated[Person, Depends(logged_in)]


def permitted(permission: Permission) -> Callable[[Person], Person]:
    """A dependency: somebody whose role has that permission."""

    def check(person: LoggedIn) -> Person:
        if person.must_change_password:
            raise Problem(403, "must-change-password", "请先设置自己的密码")
        if not person.may(permission):
            raise Problem(403, "not-permitted", "您的角色无权进行此操作")
        return person

    return check


Watcher = Annotated[Person, Depends(permitted(Permission.WATCH_CALLS))]
CallTaker = Annotated[Person, Depends(permitted(Permission.TAKE_CALLS))]
ListeningPerson = Annotated[Person, Depends(permitted(Permission.LISTEN))]
Administrator = Annotated[Person, Depends(permitted(Permission.MANAGE_ACCOUNTS))]
