"""Brings the database to the shape the code expects, before the first call is taken."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from hotline.db.engine import Database, build_engine, locked

SCRIPTS = Path(__file__).parent / "migrations"


def upgrade(db: Database) -> None:
    """Run what migrations are missing; safe when several processes start at once.

    All of it happens in one writing transaction: the first to come does the work, the others wait
    and find nothing left to do; a migration that fails leaves no trace.
    """
    engine = build_engine(db.url, foreign_keys=False)
    try:
        with locked(engine) as connection:
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        engine.dispose()


def current(db: Database) -> str | None:
    """The revision the database is at; None for an empty one."""
    with db.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def head() -> str:
    """The revision this code expects."""
    revision = ScriptDirectory.from_config(_config()).get_current_head()
    assert revision is not None, "the package carries its migrations"
    return revision


def is_current(db: Database) -> bool:
    return current(db) == head()


def _config() -> Config:
    config = Config()
    # A path may hold a %, which the ini syntax would expand.
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
