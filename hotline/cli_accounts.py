"""Commands for who may log in at the desk: whoever can read HOTLINE_VAR may give out accounts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from hotline.accounts import service
from hotline.accounts.models import Account
from hotline.accounts.roles import ROLES
from hotline.app import open_database
from hotline.cli_common import AsJson, database, fail, load, print_json
from hotline.clock import now
from hotline.clock import show as show_time
from hotline.settings import Settings

ACTOR = "command line"
Name = Annotated[str, typer.Argument(help="What is typed to log in.")]

app = typer.Typer(no_args_is_help=True, help="Who may log in at the desk.")


def how_to_log_in(settings: Settings) -> str:
    """For whoever has just started a hotline: the first one-time password, until somebody has chosen their own.

    Calls are being taken: a database that is out of order is no reason to end them.
    """
    try:
        db = open_database(settings)
        try:
            with db.write() as session:
                password = service.first_administrator(session, now())
        finally:
            db.close()
    except (SQLAlchemyError, OSError):
        return "later: the database cannot be written just now"
    if password is None:
        return "with your account (forgotten: hotline accounts password NAME)"
    return f"{service.FIRST}, one-time password {password}"


@contextmanager
def _changing() -> Iterator[Session]:
    try:
        with database(load()) as db, db.write() as session:
            yield session
    except service.NoSuchAccount as error:
        fail(f"no account {error}: 'hotline accounts list' shows them", 1)
    except service.NameTaken as error:
        fail(f"there is an account {error} already")
    except service.LastAdministrator as error:
        fail(f"{error} is the last administrator: make another one first")
    except ValueError as error:
        fail(str(error))


@app.command("list")
def list_accounts(as_json: AsJson = False) -> None:
    """Every account."""
    with database(load()) as db, db.read() as session:
        rows = [
            {
                "name": account.name,
                "display_name": account.display_name,
                "role": account.role,
                "active": account.active,
                "must_change": account.must_change,
                "created_at": show_time(account.created_at),
            }
            for account in service.everybody(session)
        ]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        state = "closed" if not row["active"] else "one-time password" if row["must_change"] else ""
        typer.echo(f"{row['name']:16} {row['role']:18} {row['created_at']}  {row['display_name']}  {state}".rstrip())


@app.command()
def add(
    name: Name,
    role: Annotated[str, typer.Option(help=", ".join(ROLES))] = "agent",
    display: Annotated[str, typer.Option(help="The name that others see; default: the same.")] = "",
) -> None:
    """Make an account; prints its one-time password."""
    if not re.fullmatch(r"[^\x00-\x1f]{0,64}", display):
        fail("--display has at most 64 characters, on one line")
    with _changing() as session:
        _, password = service.create(session, name=name, display_name=display or name, role=role, at=now(), actor=ACTOR)
    typer.echo(f"{name}  one-time password  {password}")


@app.command()
def password(name: Name) -> None:
    """Give an account a new one-time password; its browsers are logged out."""
    with _changing() as session:
        new = service.reset_password(session, service.get(session, name), at=now(), actor=ACTOR)
    typer.echo(f"{name}  one-time password  {new}")


@app.command()
def role(name: Name, role: Annotated[str, typer.Argument(help=", ".join(ROLES))]) -> None:
    """Give an account another role."""
    _change(name, lambda session, account: service.change(session, account, at=now(), actor=ACTOR, role=role))


@app.command()
def close(name: Name) -> None:
    """Close an account; its browsers are logged out."""
    _change(name, lambda session, account: service.change(session, account, at=now(), actor=ACTOR, active=False))


@app.command("open")
def open_again(name: Name) -> None:
    """Open a closed account again."""
    _change(name, lambda session, account: service.change(session, account, at=now(), actor=ACTOR, active=True))


def _change(name: str, change: Callable[[Session, Account], None]) -> None:
    with _changing() as session:
        change(session, service.get(session, name))
