"""The line service: follows the cards, writes down what happens, sees every call through to its closing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy.exc import DBAPIError

from hotline.bus import Bus, run_outbox
from hotline.calls import queries, salvage, service
from hotline.calls.cards import Cards
from hotline.calls.closing import Closer
from hotline.db import Database
from hotline.db.patience import patiently
from hotline.drafts import service as drafts
from hotline.events import words_topic

log = structlog.get_logger()

_PAUSE_SECONDS = 0.5
_SETTLE_PAUSE_SECONDS = 5.0


class LineService:
    """One a machine. Holds nothing in memory that a restart would lose."""

    def __init__(self, db: Database, bus: Bus, cards: Cards, recordings: Path, ears: Sequence[Path]) -> None:
        self._db = db
        self._bus = bus
        self._cards = cards
        self._recordings = recordings
        self._written = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._closer = Closer(db, recordings, ears, self._written.set)

    async def run(self, on_ready: Callable[[], None]) -> None:
        await self._settle_missing_cards()
        for call_id in await patiently(lambda: self._to_close()):
            self._closer.ask(call_id)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._bus.run())
            tasks.create_task(self._publish())
            tasks.create_task(self._closer.run())
            tasks.create_task(asyncio.to_thread(drafts.warm))
            for card in self._cards.sockets:
                tasks.create_task(self._cards.follow(card, self))
            on_ready()

    async def card_up(self, card: str, status: dict[str, Any]) -> None:
        """Whatever an earlier life of this card left open is settled before its new facts are read."""
        await self._settle(card, status["card_run"])

    async def _settle(self, card: str, live_run: str | None) -> None:
        settled = await patiently(lambda: salvage.settle(self._db, self._recordings, card, live_run))
        for call_id in settled.ready:
            self._closer.ask(call_id)
        self._written.set()
        if settled.later:
            self._tasks.add(asyncio.create_task(self._settle_later(card, live_run)))

    async def _settle_later(self, card: str, live_run: str | None) -> None:
        await asyncio.sleep(_SETTLE_PAUSE_SECONDS)
        await self._settle(card, live_run)

    async def fact(self, card: str, card_run: str, fact: dict[str, Any]) -> None:
        """Returns when it is written; a database that is full or locked is waited for, the card keeps the rest."""

        def write() -> str | None:
            with self._db.write() as session:
                return service.take(session, card, card_run, fact)

        call_id = await patiently(write)
        self._written.set()
        if call_id is not None and fact["event"] in ("ended", "tape_closed", "ears_stopped"):
            self._closer.ask(call_id)

    def momentary(self, card: str, message: dict[str, Any]) -> None:
        if message.get("event") == "words":
            self._bus.publish_momentary(
                words_topic(message.get("of", message["leg"])),
                {"speaker": message.get("speaker", "caller")}
                | {key: message.get(key) for key in ("text", "heard_until", "at")},
            )

    async def _publish(self) -> None:
        while True:
            try:
                await run_outbox(self._bus, self._db, self._written)
            except DBAPIError as error:
                log.error("database does not take how far was published, trying again", error=str(error.orig))
                await asyncio.sleep(_PAUSE_SECONDS)

    async def _settle_missing_cards(self) -> None:
        """Cards that this machine no longer has can tell nothing more of their calls."""

        def missing() -> set[str]:
            with self._db.read() as session:
                cards = queries.cards_with_open_calls(session)
            return (cards | salvage.cards_of_orphans(self._recordings)) - self._cards.sockets.keys()

        for card in await patiently(missing):
            await self._settle(card, None)

    def _to_close(self) -> list[str]:
        with self._db.read() as session:
            return list(queries.to_close(session))
