"""Real parts for the service's tests: a migrated SQLite file, a broker in its own process."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from broker_process import BrokerProcess

from hotline.db import Database
from hotline.db.migrate import upgrade


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[BrokerProcess]:
    process = BrokerProcess(tmp_path / "broker")
    process.start()
    yield process
    process.kill()


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'hotline.db'}")
    upgrade(database)
    yield database
    database.close()
