"""What happens now, to every page that is open: ledger rows numbered and caught up with, words as they are spoken."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Any, TypeVar

import structlog
from fastapi import APIRouter, Query, WebSocket, WebSocketDisconnect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from agent_desk import views
from agent_desk.calls import NOT_OF_THE_STORY, Accesses
from agent_desk.door import COOKIE, Person, database, recognise, same_origin, still_there
from agent_desk.views import LiveReady, LiveRecord, LiveReset, LiveTick, LiveWords
from hotline import bus
from hotline.accounts.roles import Permission
from hotline.calls import queries
from hotline.calls.models import Call
from hotline.clock import now
from hotline.db import Database
from hotline.db.patience import patiently
from hotline.events import Kind, words_topic
from hotline.orders import queries as orders
from hotline.records import ledger

log = structlog.get_logger()

T = TypeVar("T")
Message = LiveRecord | LiveWords | LiveTick

router = APIRouter()

TICK_SECONDS = 5.0
CHECK_SECONDS = 60.0
"""How often it is looked whether a page's session still holds, if nothing says otherwise sooner."""
CLOSE_SECONDS = 5.0
QUEUE = 1000
CATCH_UP_ROWS = 2000
_ROWS_AT_ONCE = 200
_PAUSE_SECONDS = 0.5

_OF_THE_DRAFT = (Kind.DRAFT_UPDATED, Kind.DRAFT_COMPLETED, Kind.DRAFT_EDITED, Kind.ORDER_DRAFTED)
_ENDS_SESSIONS = (Kind.LOGGED_OUT, Kind.PASSWORD_CHANGED, Kind.PASSWORD_RESET, Kind.ACCOUNT_CHANGED)
# RFC 6455 §7.4: 4000 to 4999 are an application's own
NOT_LOGGED_IN, NOT_PERMITTED, TOO_SLOW, RESTARTING, FAULT = 4401, 4403, 4408, 1012, 1011


class Event:
    """One message to the pages. Each is told as much of it as it may see; what several are told is written once."""

    def __init__(self, whole: Message, masked: Message | None = None, *, call_id: str | None = None) -> None:
        """`masked` is for those who see no numbers whole; `call_id` for whose page alone it is told in full."""
        self._forms = {True: whole, False: masked or whole}
        self._texts: dict[tuple[bool, bool], str | None] = {}
        self.call_id = call_id
        self.seq = whole.seq if isinstance(whole, LiveRecord) else None
        """None for what is not kept."""

    def text(self, page: Page) -> str | None:
        """What this page is told; None for nothing."""
        form = (page.person.sees_numbers, self.call_id in (None, page.watching))
        if form not in self._texts:
            self._texts[form] = self._write(*form)
        return self._texts[form]

    def _write(self, whole: bool, in_full: bool) -> str | None:
        message = self._forms[whole]
        if in_full:
            return message.model_dump_json()
        if not isinstance(message, LiveRecord):  # words that are being said on another call
            return None
        # of other calls: that they go on and what they are about (whoever looks closer is in the ledger)
        return message.model_copy(update={"utterance": None, "draft": None, "recording": None}).model_dump_json()


@dataclass(eq=False)
class Page:
    """One open page: what waits to be sent to it."""

    person: Person
    watching: str | None
    """The call whose page it is."""
    queue: asyncio.Queue[Event] = field(default_factory=lambda: asyncio.Queue(QUEUE))
    closing: asyncio.Future[int] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    """The code to close it with."""

    def close(self, code: int) -> None:
        if not self.closing.done():
            self.closing.set_result(code)


class Feed:
    """One a desk: reads the ledger once for all its pages."""

    def __init__(self, db: Database, mqtt_url: str) -> None:
        self._db = db
        self._mqtt_url = mqtt_url
        self._pages: set[Page] = set()
        self._begun = asyncio.Event()
        self.seq = 0
        """The newest row that the pages were told of."""
        self.words_dropped = 0
        """Momentary words that a slow page did not get."""
        self.pages_too_slow = 0
        """Pages cut off because records had piled up; they come back and catch up."""

    @property
    def pages(self) -> int:
        return len(self._pages)

    async def run(self) -> None:
        self.seq = await self.newest()
        self._begun.set()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._tell_records())
            tasks.create_task(self._tell_words())
            tasks.create_task(self._tick())
            tasks.create_task(self._check_sessions())

    @contextlib.contextmanager
    def opened(self, person: Person, watching: str | None) -> Iterator[Page]:
        page = Page(person, watching)
        self._pages.add(page)
        try:
            yield page
        finally:
            self._pages.discard(page)

    def close(self) -> None:
        """The desk stops; pages may come back at once."""
        for page in self._pages:
            page.close(RESTARTING)

    async def newest(self) -> int:
        """The number of the newest row in the ledger; pages are told of it in a moment, if they were not yet."""
        return await self._ask(ledger.newest)

    async def begun(self) -> None:
        """Until every row that is added will be told: what a page asks for sooner might leave a gap."""
        await self._begun.wait()

    async def missed(self, after: int, newest: int) -> AsyncIterator[Event]:
        """What a page that knows rows up to `after` has to be told, up to row `newest`."""
        while after < newest:  # rows that are added meanwhile come along, and are skipped in the queue
            after, events = await self._ask(partial(_read, after=after))
            for event in events:
                yield event

    async def _tell_records(self) -> None:
        while True:
            try:
                async for row in bus.follow(self._mqtt_url, self._db, self.seq):
                    seq = row["seq"]
                    event = await self._ask(partial(_event, row=row))
                    self.seq = seq
                    if event is not None:
                        self._tell(event)
                    if row["kind"] in _ENDS_SESSIONS:
                        await self.check(page for page in self._pages if page.person.actor == row["subject"])
            except DBAPIError as error:
                log.error("ledger cannot be read, trying again", error=str(error.orig))
                await asyncio.sleep(_PAUSE_SECONDS)

    async def _tell_words(self) -> None:
        async for message in bus.subscribe(self._mqtt_url, [words_topic("+")]):
            call_id = message.topic.split("/")[2]
            try:
                whole, masked = (views.live_words(call_id, message.payload, whole=whole) for whole in (True, False))
            except (KeyError, TypeError, ValueError) as error:  # of a line of another version
                log.warning("words unreadable", error=type(error).__name__)
                continue
            self._tell(Event(whole, masked, call_id=call_id))

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            self._tell(Event(LiveTick(seq=self.seq, at=now())))

    async def _check_sessions(self) -> None:
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            await self.check(self._pages)

    async def check(self, pages: Iterable[Page]) -> None:
        """Close those whose session no longer holds, or whose person may see less than before."""
        for page in list(pages):
            with contextlib.suppress(DBAPIError):  # a database that is away logs nobody out
                person = await asyncio.to_thread(still_there, self._db, page.person)
                if person is None:
                    page.close(NOT_LOGGED_IN)
                elif person != page.person:
                    page.close(RESTARTING)  # it comes back as who they are now

    def _tell(self, event: Event) -> None:
        for page in self._pages:
            if page.closing.done() or event.text(page) is None:
                continue
            if not page.queue.full():
                page.queue.put_nowait(event)
            elif event.seq is None:
                self.words_dropped += 1
            else:
                self.pages_too_slow += 1
                page.close(TOO_SLOW)

    async def _ask(self, read: Callable[[Session], T]) -> T:
        def ask() -> T:
            with self._db.read() as session:
                return read(session)

        return await patiently(ask)


def _read(session: Session, after: int) -> tuple[int, list[Event]]:
    """The next rows beyond `after`: the last one's number, and what pages are told of them."""
    rows = [bus.message_of(record) for record in ledger.after(session, after, _ROWS_AT_ONCE)]
    events = [_event(session, row) for row in rows]
    return rows[-1]["seq"], [event for event in events if event is not None]


def _event(session: Session, row: dict[str, Any]) -> Event | None:
    """A ledger row with what it changed, as the database has it now; None for rows that are not of a call's story."""
    if row["kind"] in NOT_OF_THE_STORY:
        return None
    call = session.get(Call, row["subject"])
    if call is None:
        return None
    try:
        whole, masked = (_record(session, row, call, whole=whole) for whole in (True, False))
    except (KeyError, TypeError, ValueError) as error:  # of a line of another version: it costs this row, not the rest
        log.error("row cannot be shown", seq=row["seq"], kind=row["kind"], error=type(error).__name__)
        return None
    return Event(whole, masked, call_id=call.call_id)


def _record(session: Session, row: dict[str, Any], call: Call, *, whole: bool) -> LiveRecord:
    kind, payload = row["kind"], row["payload"] or {}
    paper = orders.paperwork(session, call.call_id)
    record = LiveRecord(seq=row["seq"], at=row["at"], kind=kind, call=views.call_item(call, paper, whole=whole))
    if kind == Kind.UTTERANCE_HEARD and "start" in payload:
        said = queries.utterance(session, call.call_id, payload["speaker"], payload["start"], payload["source"])
        record.utterance = views.utterance_view(said, whole=whole) if said is not None else None
    if kind in _OF_THE_DRAFT:
        record.draft = views.draft_view(paper, row["seq"], whole=whole)
    if kind.startswith("tape_"):
        tape = queries.recording(session, call.call_id)
        record.recording = views.recording_view(tape) if tape is not None else None
    return record


@router.websocket("/api/live")
async def live(
    socket: WebSocket, after: Annotated[int, Query(ge=0)], watch: Annotated[str | None, Query(max_length=64)] = None
) -> None:
    """Everything beyond ledger row `after`, then whatever happens. Messages are `views.LiveMessage`.

    What is said, and the draft, is told of the call `watch` alone: that it is looked at is logged.
    """
    if not same_origin(socket):
        await socket.close(NOT_PERMITTED)  # before it is accepted: the browser is told 403
        return
    await socket.accept()
    person = await asyncio.to_thread(recognise, database(socket), socket.cookies.get(COOKIE))
    if person is None:
        await socket.close(NOT_LOGGED_IN)
        return
    if not person.may(Permission.WATCH_CALLS):
        await socket.close(NOT_PERMITTED)
        return
    feed: Feed = socket.app.state.feed
    with feed.opened(person, watch) as page:
        await feed.check([page])  # had they been logged out a moment ago, nobody would have told this page
        either = asyncio.create_task(_send(socket, feed, page, after)), asyncio.create_task(_listen(socket))
        await asyncio.wait((*either, page.closing), return_when=asyncio.FIRST_COMPLETED)
        for task in either:
            task.cancel()
        for ended in await asyncio.gather(*either, return_exceptions=True):
            if isinstance(ended, Exception) and not isinstance(ended, RuntimeError | WebSocketDisconnect):
                log.error("page cut off by a fault", error=type(ended).__name__)
                page.close(FAULT)
        if page.closing.done():
            with contextlib.suppress(RuntimeError, WebSocketDisconnect, TimeoutError):  # it had gone, or reads nothing
                async with asyncio.timeout(CLOSE_SECONDS):
                    await socket.close(page.closing.result())


async def _send(socket: WebSocket, feed: Feed, page: Page, after: int) -> None:
    """First what was missed, then what the queue holds; what stands in both is sent once."""
    if page.watching is not None:
        accesses: Accesses = socket.app.state.accesses
        await asyncio.to_thread(_note_look, database(socket), accesses, page.person, page.watching)
    await feed.begun()
    newest = await feed.newest()
    if 0 <= newest - after <= CATCH_UP_ROWS:
        async for event in feed.missed(after, newest):
            assert event.seq is not None
            newest = max(newest, event.seq)
            await _tell(socket, page, event)
    else:  # long away, or a page of another ledger
        await socket.send_text(LiveReset(seq=newest).model_dump_json())
    after = newest
    await socket.send_text(LiveReady(seq=after).model_dump_json())
    while True:
        event = await page.queue.get()
        if event.seq is None or event.seq > after:
            await _tell(socket, page, event)


async def _tell(socket: WebSocket, page: Page, event: Event) -> None:
    text = event.text(page)
    if text is not None:
        await socket.send_text(text)


def _note_look(db: Database, accesses: Accesses, person: Person, call_id: str) -> None:
    """What cannot be logged is not told; of a call that does not exist nothing will be."""
    with db.read() as session:
        known = session.get(Call, call_id) is not None
    if known:
        accesses.note(db, person, call_id, Kind.CALL_OPENED)


async def _listen(socket: WebSocket) -> None:
    """Until the page goes. It has nothing to say yet; what it says all the same is not kept."""
    with contextlib.suppress(WebSocketDisconnect):
        while True:
            await socket.receive_text()
