"""Coming in and going out: POST, GET and DELETE /api/session, and the password."""

from __future__ import annotations

import math
from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Request, Response
from pydantic import AfterValidator, BaseModel, Field, SecretStr

from agent_desk.door import COOKIE, Db, LoggedIn, Person, from_our_page, person_of
from agent_desk.problems import Problem, responses
from agent_desk.views import Me, role_view
from hotline.accounts import service
from hotline.accounts.models import Account, DeskSession
from hotline.clock import now
from hotline.db import Database

log = structlog.get_logger()

router = APIRouter(prefix="/api/session", tags=["session"])


def _of_whole_characters(typed: SecretStr) -> SecretStr:
    try:
        typed.get_secret_value().encode()
    except UnicodeEncodeError:  # half of a surrogate pair, which JSON can carry
        raise ValueError("not a text") from None
    return typed


Typed = Annotated[SecretStr, Field(min_length=1, max_length=200), AfterValidator(_of_whole_characters)]


class LogIn(BaseModel):
    name: str = Field(min_length=1, max_length=32, pattern=r"^[^\x00-\x1f]+$")
    password: Typed


class ChangePassword(BaseModel):
    current: Typed
    new: Typed


@router.post("", responses=responses(400, 401, 403, 413, 422, 429), dependencies=[Depends(from_our_page)])
def log_in(body: LogIn, request: Request, response: Response, db: Db) -> Me:
    """Log in. Always begins a new session; whatever cookie came along is forgotten and never taken over."""
    address = request.client.host if request.client else ""
    name = body.name.strip().lower()[:32]  # some letters have longer small ones
    _count_try(db, name, address)
    with db.read() as reading:
        account = reading.get(Account, name)
    if not service.is_password(account, body.password.get_secret_value()) or account is None:
        if account is not None:
            with db.write() as session:
                service.note_failure(session, account, address, now())
        log.warning("login refused", pii_name=name, address=address)
        raise Problem(401, "wrong-password", "用户名或密码不正确")
    with db.write() as session:
        left = session.get(DeskSession, service.hash_of(request.cookies.get(COOKIE, "")))
        if left is not None:
            service.log_out(session, left, now())
        service.forgive(session, name, address)
        token, begun = service.log_in(session, service.get(session, name), address, now())
        person = person_of(begun)
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(service.LONGEST.total_seconds()),
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
        path="/",
    )
    return _me(person)


def _count_try(db: Database, name: str, address: str) -> None:
    try:
        with db.read() as reading:  # a flood that is refused must not wait in line with those who write calls down
            service.check_tries(reading, name, address, now())
        with db.write() as session:
            service.note_try(session, name, address, now())
    except service.TooManyTries as error:
        seconds = max(1, math.ceil(error.wait.total_seconds()))
        raise Problem(
            429,
            "too-many-tries",
            f"尝试次数过多，请{math.ceil(seconds / 60)}分钟后再试",
            {"Retry-After": str(seconds)},
        ) from None


@router.get("", responses=responses(401))
def who_am_i(person: LoggedIn) -> Me:
    """Who is logged in."""
    return _me(person)


@router.delete("", status_code=204, responses=responses(401, 403))
def log_out(person: LoggedIn, response: Response, db: Db) -> None:
    """Log out, on this browser."""
    with db.write() as session:
        found = session.get(DeskSession, person.token_hash)
        if found is not None:
            service.log_out(session, found, now())
    response.delete_cookie(COOKIE, path="/")


@router.put("/password", responses=responses(400, 401, 403, 413, 422, 429))
def change_password(body: ChangePassword, person: LoggedIn, request: Request, db: Db) -> Me:
    """Choose a password; the account's other browsers are logged out."""
    address = request.client.host if request.client else ""
    _count_try(db, person.name, address)
    with db.read() as reading:
        account = service.get(reading, person.name)
    if not service.is_password(account, body.current.get_secret_value()):
        raise Problem(403, "wrong-password", "当前密码不正确")
    try:
        password_hash = service.chosen(account, body.new.get_secret_value())
    except service.PasswordTooWeak:
        fewest, most = service.PASSWORD_LENGTH
        raise Problem(
            422, "weak-password", f"新密码须有{fewest}至{most}个字符，不得含用户名，不得与旧密码相同"
        ) from None
    with db.write() as session:
        account = service.get(session, person.name)
        service.change_password(session, account, password_hash, at=now(), keep=person.token_hash)
        service.forgive(session, person.name, address)
        return _me(person_of(session.get_one(DeskSession, person.token_hash)))


def _me(person: Person) -> Me:
    return Me(
        name=person.name,
        display_name=person.display_name,
        role=role_view(person.role),
        permissions=sorted(person.permissions),
        must_change_password=person.must_change_password,
        csrf=person.csrf,
    )
