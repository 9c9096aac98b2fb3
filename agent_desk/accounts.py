"""Who may work at the desk: the administrator's list of accounts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field, StrictBool

from agent_desk.door import Administrator, Db
from agent_desk.problems import Problem, responses
from agent_desk.views import AccountView, NewPassword, RoleView, account_view, role_view
from hotline.accounts import service
from hotline.accounts.roles import ROLES
from hotline.clock import now

router = APIRouter(prefix="/api/accounts", tags=["accounts"])

RoleName = Annotated[str, Field(pattern=f"^({'|'.join(ROLES)})$")]
DisplayName = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")]
AccountName = Annotated[str, Path(max_length=32, pattern=r"^[a-z][a-z0-9._-]{1,31}$")]


class NewAccount(BaseModel):
    name: str = Field(pattern=r"^[a-z][a-z0-9._-]{1,31}$", max_length=32)
    display_name: DisplayName
    role: RoleName


class AccountChange(BaseModel):
    """Only what is given is changed."""

    display_name: DisplayName | None = None
    role: RoleName | None = None
    active: StrictBool | None = None


@contextmanager
def _told() -> Iterator[None]:
    """What can go wrong with an account, said to the administrator."""
    try:
        yield
    except service.NoSuchAccount:
        raise Problem(404, "no-such-account", "没有这个账号") from None
    except service.NameTaken:
        raise Problem(409, "name-taken", "用户名已被使用") from None
    except service.LastAdministrator:
        raise Problem(409, "last-administrator", "至少要保留一名管理员") from None


@router.get("", responses=responses(401, 403))
def list_accounts(person: Administrator, db: Db) -> list[AccountView]:
    """Every account, closed ones too."""
    with db.read() as session:
        return [account_view(account) for account in service.everybody(session)]


@router.get("/roles", responses=responses(401, 403))
def list_roles(person: Administrator) -> list[RoleView]:
    """The roles that an account can have."""
    return [role_view(name) for name in ROLES]


@router.post("", status_code=201, responses=responses(400, 401, 403, 409, 413, 422))
def create_account(body: NewAccount, person: Administrator, db: Db) -> NewPassword:
    """A new account, with a one-time password to hand over."""
    with _told(), db.write() as session:
        account, password = service.create(
            session, name=body.name, display_name=body.display_name, role=body.role, at=now(), actor=person.actor
        )
        return NewPassword(account=account_view(account), one_time_password=password)


@router.patch("/{name}", responses=responses(400, 401, 403, 404, 409, 413, 422))
def change_account(name: AccountName, body: AccountChange, person: Administrator, db: Db) -> AccountView:
    """Another name to show, another role, closed or open."""
    with _told(), db.write() as session:
        account = service.get(session, name)
        service.change(session, account, at=now(), actor=person.actor, **body.model_dump(exclude_none=True))
        return account_view(account)


@router.post("/{name}/password", responses=responses(401, 403, 404, 422))
def reset_password(name: AccountName, person: Administrator, db: Db) -> NewPassword:
    """A new one-time password; the account's browsers are logged out."""
    with _told(), db.write() as session:
        account = service.get(session, name)
        password = service.reset_password(session, account, at=now(), actor=person.actor)
        return NewPassword(account=account_view(account), one_time_password=password)
