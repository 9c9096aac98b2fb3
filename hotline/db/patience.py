"""Work on a database that may be full, locked or away: asked again until it is done, in a thread, never on the loop."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

import structlog
from sqlalchemy.exc import DBAPIError

log = structlog.get_logger()

T = TypeVar("T")
_PAUSE_SECONDS = 0.5


async def patiently(work: Callable[[], T]) -> T:
    """What `work` gives, however long the database takes to be in order again."""
    while True:
        try:
            return await asyncio.to_thread(work)
        except DBAPIError as error:
            log.error("database does not take it, trying again", error=str(error.orig))
            await asyncio.sleep(_PAUSE_SECONDS)
