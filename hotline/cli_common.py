"""What every command needs: the settings, the database, one way to fail, one way to print JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, NoReturn

import typer
from sqlalchemy.exc import SQLAlchemyError

from hotline import log as logging
from hotline import settings as configuration
from hotline.app import open_database
from hotline.db import Database
from hotline.settings import Settings

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON only.")]


def fail(message: str, code: int = 2) -> NoReturn:
    typer.echo(f"hotline: {message}", err=True)
    raise typer.Exit(code)


def load() -> Settings:
    try:
        settings = configuration.load()
    except configuration.WrongSetting as error:
        fail(str(error))
    try:
        settings.var.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        fail(f"HOTLINE_VAR={settings.var}: {error.strerror}; name a folder that can be written")
    logging.configure("hotline", "warning" if settings.log_level == "info" else settings.log_level)
    return settings


@contextmanager
def database(settings: Settings) -> Iterator[Database]:
    try:
        db = open_database(settings)
    except (SQLAlchemyError, OSError) as error:
        fail(f"the database cannot be opened (HOTLINE_DATABASE_URL, or a folder that cannot be written): {error}")
    try:
        yield db
    finally:
        db.close()


def print_json(value: Any) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))
