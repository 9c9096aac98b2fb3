"""What a page is told while it is open, and what it missed: each row once, in order, over a real WebSocket."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvicorn
import websockets
from broker_process import BrokerProcess
from websockets.asyncio.client import ClientConnection, connect

from agent_desk import live
from agent_desk.app import _Server
from agent_desk.live import Event
from hotline import bus
from hotline.accounts import service as accounts
from hotline.accounts.models import DeskSession
from hotline.bus import Bus, run_outbox
from hotline.clock import now
from hotline.events import Kind, words_topic
from hotline.records import ledger

PATIENCE = 60.0
CALL = "20261122-151805-0abcd"
SAID = {"speaker": "caller", "text": "电话幺三八幺二三四", "heard_until": 3.0}


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    process = BrokerProcess(tmp_path_factory.mktemp("broker"))
    process.start()
    yield process
    process.kill()


@pytest.fixture
def desk(make_desk, broker, monkeypatch):
    """One call in progress; rows are looked for often, because no line runs here that would announce them."""
    monkeypatch.setattr(bus, "OUTBOX_IDLE_SECONDS", 0.05)
    made = make_desk(broker.url)
    made.answer()
    yield made
    made.close()


def add_rows(desk, count: int, call_id: str = CALL) -> None:
    """One transaction each, as a line writes them."""
    for n in range(count):
        with desk.db.write() as session:
            ledger.append(session, at=now(), actor="line", kind=Kind.PROMPT_STARTED, subject=call_id, payload={"n": n})


@dataclass
class Page:
    """One open page: what it was sent, sign-of-life ticks left out."""

    socket: ClientConnection
    seen: list[dict[str, Any]] = field(default_factory=list)

    async def next(self, *kinds: str) -> dict[str, Any]:
        """The next message of these kinds; those before it are in `seen`."""
        while True:
            message = json.loads(await self.socket.recv())
            if message["type"] == "tick":
                continue
            self.seen.append(message)
            if message["type"] in kinds or not kinds:
                return message

    async def until_row(self, seq: int) -> None:
        while not self.rows or self.rows[-1] < seq:
            await self.next("record")

    async def until_closed(self) -> int:
        """The code it was closed with."""
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await self.next("nothing more")
        assert closed.value.rcvd is not None
        return closed.value.rcvd.code

    @property
    def rows(self) -> list[int]:
        return [message["seq"] for message in self.seen if message["type"] == "record"]


@dataclass
class Served:
    """A desk that is served on a loopback port, as its process serves it."""

    desk: Any
    port: int

    @asynccontextmanager
    async def page(self, name: str = "agent", after: int = 0, **more: Any) -> AsyncIterator[Page]:
        browser = await asyncio.to_thread(self.desk.browser, name)
        async with self.page_of(browser, after, **more) as page:
            yield page

    @asynccontextmanager
    async def page_of(self, browser: Any, after: int | str = 0, **more: Any) -> AsyncIterator[Page]:
        address = f"ws://127.0.0.1:{self.port}/api/live?after={after}"
        headers = {"Cookie": browser.cookie} if browser is not None else {}
        async with connect(address, additional_headers=headers, close_timeout=1, **more) as opened:
            yield Page(opened)


@asynccontextmanager
async def serving(
    desk: Any, send_bytes: int | None = None, begin: asyncio.Event | None = None
) -> AsyncIterator[Served]:
    """`send_bytes`: how much the system takes for a page that does not read; `begin`: when the ledger is followed."""

    async def tell() -> None:
        if begin is not None:
            await begin.wait()
        await desk.feed.run()

    listener = socket.socket()
    if send_bytes is not None:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_bytes)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    config = uvicorn.Config(desk.app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=3)
    server = _Server(config, desk.feed)
    telling, serving = asyncio.create_task(tell()), asyncio.create_task(server.serve([listener]))
    try:
        yield Served(desk, listener.getsockname()[1])
    finally:
        server.stop()
        await serving
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)


def play(story: Callable[[], Awaitable[None]]) -> None:
    async def patiently() -> None:
        async with asyncio.timeout(PATIENCE):
            await story()

    asyncio.run(patiently())


async def until(look: Callable[[], bool]) -> None:
    while not look():
        await asyncio.sleep(0.005)  # between two looks, never instead of an event


def numbers(first: int, last: int) -> list[int]:
    return list(range(first, last + 1))


# -- rows ----------------------------------------------------------------------------------------------------


def test_a_page_is_told_what_happens_with_what_it_changed(desk):
    async def story() -> None:
        async with serving(desk) as desks, desks.page(after=desk.newest) as page:
            assert (await page.next())["type"] == "ready"
            await asyncio.to_thread(desk.hear, ["金牛区", "抚琴街道", "燃气", "泄漏"])
            heard, drafted = await page.next("record"), await page.next("record")
            assert (heard["kind"], heard["utterance"]["text"]) == (Kind.UTTERANCE_HEARD, "金牛区抚琴街道燃气泄漏")
            assert [word["text"] for word in heard["utterance"]["words"]] == ["金牛区", "抚琴街道", "燃气", "泄漏"]
            assert (drafted["kind"], drafted["draft"]["fields"]["urgent"]["value"]) == (Kind.DRAFT_UPDATED, True)
            assert (drafted["call"]["call_id"], drafted["call"]["district"]) == (CALL, "金牛区")

            await asyncio.to_thread(desk.end)
            ended, tape = await page.next("record"), await page.next("record")
            assert (ended["kind"], ended["call"]["state"], ended["call"]["seconds"]) == (Kind.CALL_ENDED, "ended", 4.0)
            assert (tape["kind"], tape["recording"]["state"]) == (Kind.TAPE_CLOSED, "closed")

    play(story)


def test_a_page_that_was_away_is_told_exactly_what_it_missed(desk):
    add_rows(desk, 30)
    newest = desk.newest

    async def story() -> None:
        async with serving(desk) as desks:
            for after in (0, 1, newest - 1):
                async with desks.page(after=after) as page:
                    ready = await page.next("ready")
                    assert page.rows == numbers(after + 1, newest)
                    assert ready["seq"] >= newest

    play(story)


def test_rows_that_are_written_while_a_page_catches_up_come_once_and_in_their_place(desk):
    add_rows(desk, 400)
    first, more = desk.newest, 150

    async def story() -> None:
        async with serving(desk) as desks, desks.page() as page:
            await page.next("record")
            writers = [threading.Thread(target=add_rows, args=(desk, more // 2)) for _ in range(2)]
            for writer in writers:
                writer.start()
            # the login of this page's person is a row too, which is not of a call's story
            last = first + 1 + more
            await page.until_row(last)
            for writer in writers:
                writer.join()
            login = first + 1
            assert page.rows == [seq for seq in numbers(1, last) if seq != login]

    play(story)


def test_a_page_that_goes_and_comes_again_misses_nothing_and_hears_nothing_twice(desk):
    async def story() -> None:
        async with serving(desk) as desks:
            browser = await asyncio.to_thread(desk.browser, "agent")
            first = after = desk.newest
            rows: list[int] = []
            for _ in range(5):
                writer = threading.Thread(target=add_rows, args=(desk, 20))
                async with desks.page_of(browser, after) as page:
                    writer.start()
                    await page.until_row(after + 5)
                    rows += page.rows
                    after = rows[-1]
                await asyncio.to_thread(writer.join)
            async with desks.page_of(browser, after) as page:
                await page.until_row(first + 100)
                rows += page.rows
            assert rows == numbers(first + 1, first + 100)

    play(story)


def test_a_page_that_comes_before_the_desk_follows_the_ledger_misses_nothing(desk):
    async def story() -> None:
        begin = asyncio.Event()
        async with serving(desk, begin=begin) as desks:
            browser = await asyncio.to_thread(desk.browser, "agent")
            newest = desk.newest
            async with desks.page_of(browser, newest) as page:
                await until(lambda: desk.feed.pages == 1)
                await asyncio.to_thread(add_rows, desk, 3)
                begin.set()
                await page.until_row(newest + 3)
                assert page.rows == numbers(newest + 1, newest + 3)

    play(story)


@pytest.mark.parametrize("away", ["too long", "in another ledger"])
def test_a_page_that_missed_too_much_is_told_to_load_anew_and_then_what_is_new(desk, monkeypatch, away):
    monkeypatch.setattr(live, "CATCH_UP_ROWS", 10)
    add_rows(desk, 30)

    async def story() -> None:
        async with serving(desk) as desks:
            browser = await asyncio.to_thread(desk.browser, "agent")
            newest = desk.newest
            async with desks.page_of(browser, 0 if away == "too long" else newest + 1) as page:
                assert await page.next() == {"type": "reset", "seq": newest}
                assert await page.next() == {"type": "ready", "seq": newest}
                await asyncio.to_thread(add_rows, desk, 2)
                await page.until_row(newest + 2)
                assert page.rows == [newest + 1, newest + 2]
            async with desks.page_of(browser, newest + 2 - 10) as page:
                await page.next("ready")
                assert [message["type"] for message in page.seen].count("reset") == 0

    play(story)


def test_who_looks_at_calls_and_who_logs_in_is_not_told_to_pages(desk):
    async def story() -> None:
        async with serving(desk) as desks, desks.page(after=desk.newest) as page:
            await page.next("ready")
            other = await asyncio.to_thread(desk.browser, "leader")
            await asyncio.to_thread(other.http.get, f"/api/calls/{CALL}")
            await asyncio.to_thread(add_rows, desk, 1)
            await page.until_row(desk.newest)
            assert page.rows == [desk.newest]
            assert len(desk.rows(Kind.CALL_OPENED)) == 1

    play(story)


def test_numbers_are_masked_on_the_pages_of_those_who_may_not_see_them(desk):
    async def story() -> None:
        async with serving(desk) as desks, desks.page("leader") as masked, desks.page("agent") as whole:
            for page in (masked, whole):
                await page.next("ready")
            await asyncio.to_thread(desk.hear, ["我", "的", "电话", "是", "幺三八", "幺二三四", "五六七八"])
            for page in (masked, whole):
                await page.until_row(desk.newest)
            said = json.dumps(masked.seen, ensure_ascii=False)
            assert "13812345678" not in said
            assert "幺二三四" not in said
            assert "138****5678" in said
            assert "13812345678" in json.dumps(whole.seen)
            assert "幺三八幺二三四五六七八" in json.dumps(whole.seen, ensure_ascii=False)
            assert masked.rows == whole.rows

    play(story)


# -- words ---------------------------------------------------------------------------------------------------


@asynccontextmanager
async def speaking(url: str) -> AsyncIterator[Bus]:
    speaker = Bus(url)
    running = asyncio.create_task(speaker.run())
    try:
        yield speaker
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def heard_again(speaker: Bus, arrived: Callable[[], Awaitable[Any]]) -> Any:
    """Say it again and again until somebody hears it: nobody tells when a subscription has begun."""
    waiting = asyncio.ensure_future(arrived())
    while not waiting.done():
        await speaker.publish(words_topic(CALL), SAID)
        await asyncio.wait({waiting}, timeout=0.05)
    return waiting.result()


def test_words_arrive_while_they_are_spoken_and_masked_where_they_must_be(desk):
    async def story() -> None:
        async with (
            serving(desk) as desks,
            speaking(desk.feed._mqtt_url) as speaker,
            desks.page("agent") as whole,
            desks.page("leader") as masked,
        ):
            heard = await heard_again(speaker, lambda: whole.next("words"))
            assert heard == {"type": "words", "call_id": CALL, **SAID}
            assert (await heard_again(speaker, lambda: masked.next("words")))["text"] == "电话幺*****四"

    play(story)


def test_words_nobody_can_read_are_passed_over(desk):
    async def story() -> None:
        async with serving(desk) as desks, speaking(desk.feed._mqtt_url) as speaker, desks.page() as page:
            await heard_again(speaker, lambda: page.next("words"))
            bad: list[Any] = [{}, {"speaker": "caller"}, {**SAID, "heard_until": "soon"}, {**SAID, "text": 5}, []]
            for said in bad:
                await speaker.publish(words_topic(CALL), said)
            await speaker.publish(words_topic(CALL), {**SAID, "text": "好"})
            while (await page.next("words"))["text"] != "好":
                pass
            assert {message["text"] for message in page.seen if message["type"] == "words"} == {SAID["text"], "好"}

    play(story)


def test_words_for_a_page_that_is_full_are_dropped_and_nobody_waits(desk, monkeypatch):
    monkeypatch.setattr(live, "QUEUE", 3)
    words = Event(None, "{}", "{}")

    async def story() -> None:
        with desk.feed.opened(None) as full, desk.feed.opened(None) as quick:
            for _ in range(5):
                desk.feed._tell(words)
                quick.queue.get_nowait()
            assert (full.queue.qsize(), desk.feed.words_dropped) == (3, 2)
            assert not full.closing.done()
            assert not quick.closing.done()
            assert desk.feed.pages_too_slow == 0

    play(story)


# -- pages that are cut off ----------------------------------------------------------------------------------


def test_a_page_that_does_not_read_is_cut_off_and_loses_nothing_when_it_comes_again(desk, monkeypatch):
    monkeypatch.setattr(live, "QUEUE", 20)
    long_text = ["路灯坏了" * 5000]

    async def story() -> None:
        async with serving(desk, send_bytes=4096) as desks:
            browser = await asyncio.to_thread(desk.browser, "agent")
            # an agent's long speech: of the caller's, a draft would be drawn up each time
            await asyncio.to_thread(desk.tell, "listening", "agent-leg", of=CALL, speaker="agent")
            first = desk.newest
            narrow = socket.socket()
            narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            narrow.setblocking(False)
            await asyncio.get_running_loop().sock_connect(narrow, ("127.0.0.1", desks.port))
            async with desks.page_of(browser, first, sock=narrow, max_queue=1, compression=None) as slow:
                await slow.next("ready")
                n = 0
                while not desk.feed.pages_too_slow:
                    n += 1
                    await asyncio.to_thread(desk.hear, long_text, "agent-leg", start=float(10 * n))
                assert await slow.until_closed() == live.TOO_SLOW == 4408
                last = desk.newest
                assert slow.rows == numbers(first + 1, slow.rows[-1])
                assert slow.rows[-1] < last
            assert desk.feed.pages_too_slow == 1
            async with desks.page_of(browser, slow.rows[-1]) as again:
                await again.next("ready")
                assert slow.rows + again.rows == numbers(first + 1, last)

    play(story)


def forget(desk, browser) -> None:
    with desk.db.write() as session:
        found = session.get_one(DeskSession, accounts.hash_of(browser.token))
        accounts.log_out(session, found, now())


ENDINGS: dict[str, Callable[[Any, Any], Any]] = {
    "logging out": lambda desk, mine: mine.ask("DELETE", "/api/session"),
    "a new password": lambda desk, mine: desk.browser("agent").ask(
        "PUT", "/api/session/password", {"current": desk.password, "new": "a-new-Passphrase-7"}
    ),
    "a password reset": lambda desk, mine: desk.browser().ask("POST", "/api/accounts/agent/password"),
    "closing the account": lambda desk, mine: desk.browser().ask("PATCH", "/api/accounts/agent", {"active": False}),
    "the command line": lambda desk, mine: forget(desk, mine),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_ends_a_session_closes_its_pages_and_no_others(desk, ending):
    async def story() -> None:
        async with serving(desk) as desks:
            mine, other = [await asyncio.to_thread(desk.browser, name) for name in ("agent", "leader")]
            async with desks.page_of(mine) as page, desks.page_of(mine) as second, desks.page_of(other) as others:
                for one in (page, second, others):
                    await one.next("ready")
                await asyncio.to_thread(ENDINGS[ending], desk, mine)
                assert await page.until_closed() == await second.until_closed() == live.NOT_LOGGED_IN == 4401
                await asyncio.to_thread(add_rows, desk, 1)
                await others.until_row(desk.newest)
            async with desks.page_of(mine) as again:
                assert await again.until_closed() == 4401

    play(story)


def test_another_role_makes_a_page_come_again_as_who_its_person_is_now(desk):
    async def story() -> None:
        async with serving(desk) as desks:
            browser = await asyncio.to_thread(desk.browser, "agent")
            async with desks.page_of(browser) as page:
                await page.next("ready")
                assert "13812345678" in json.dumps(page.seen)
                administrator = await asyncio.to_thread(desk.browser)
                await asyncio.to_thread(administrator.ask, "PATCH", "/api/accounts/agent", {"role": "leader"})
                assert await page.until_closed() == live.RESTARTING == 1012
            async with desks.page_of(browser) as page:
                await page.next("ready")
                assert "13812345678" not in json.dumps(page.seen)
            await asyncio.to_thread(administrator.ask, "PATCH", "/api/accounts/agent", {"role": "assessor"})
            async with desks.page_of(browser) as page:
                assert await page.until_closed() == live.NOT_PERMITTED == 4403

    play(story)


def test_a_session_that_runs_out_closes_its_page_though_nothing_happens(desk, monkeypatch):
    monkeypatch.setattr(live, "CHECK_SECONDS", 0.05)

    async def story() -> None:
        async with serving(desk) as desks:
            browser = await asyncio.to_thread(desk.browser, "agent")
            async with desks.page_of(browser) as page:
                await page.next("ready")
                with desk.db.write() as session:
                    found = session.get_one(DeskSession, accounts.hash_of(browser.token))
                    found.begun_at -= accounts.LONGEST
                assert await page.until_closed() == 4401

    play(story)


def test_whoever_is_not_let_in_is_told_why(desk):
    desk.add_account("newcomer")  # with a one-time password

    async def story() -> None:
        async with serving(desk) as desks:
            async with desks.page_of(None) as page:
                assert await page.until_closed() == 4401
            for name in ("assessor", "unit_contact", "newcomer"):
                async with desks.page(name) as page:
                    assert await page.until_closed() == 4403
                    assert page.seen == []
            assert desk.feed.pages == 0

    play(story)


def test_a_foreign_page_is_refused_and_our_own_is_not(desk):
    async def story() -> None:
        async with serving(desk) as desks:
            browser = await asyncio.to_thread(desk.browser, "agent")
            for origin in ("https://evil.test", f"https://127.0.0.1:{desks.port}", "http://127.0.0.1", "null"):
                with pytest.raises(websockets.InvalidStatus) as told:
                    async with desks.page_of(browser, origin=origin):
                        pass
                assert told.value.response.status_code == 403
            async with desks.page_of(browser, origin=f"http://127.0.0.1:{desks.port}") as page:
                await page.next("ready")

    play(story)


@pytest.mark.parametrize("after", ["-1", "x", "", "1e3"])
def test_a_place_in_the_ledger_that_is_none_is_refused(desk, after):
    async def story() -> None:
        async with serving(desk) as desks:
            browser = await asyncio.to_thread(desk.browser, "agent")
            with pytest.raises(websockets.InvalidStatus) as told:
                async with desks.page_of(browser, after):
                    pass
            assert told.value.response.status_code == 403
            async with desks.page_of(browser, 10**40) as page:  # a number, but not of this ledger
                assert (await page.next())["type"] == "reset"

    play(story)


def test_what_a_page_says_is_not_kept_and_does_no_harm(desk):
    async def story() -> None:
        async with serving(desk) as desks, desks.page() as page:
            await page.next("ready")
            for _ in range(50):
                await page.socket.send("x" * 1000)
            await asyncio.to_thread(add_rows, desk, 1)
            await page.until_row(desk.newest)
        await until(lambda: desk.feed.pages == 0)

    play(story)


def test_a_page_that_goes_is_forgotten(desk):
    async def story() -> None:
        async with serving(desk) as desks:
            async with desks.page() as page:
                await page.next("ready")
                assert desk.feed.pages == 1
                page.socket.transport.abort()
                await until(lambda: desk.feed.pages == 0)
            async with desks.page() as page:
                await page.next("ready")
            await until(lambda: desk.feed.pages == 0)

    play(story)


def test_a_desk_that_stops_tells_its_pages_to_come_again(desk):
    async def story() -> None:
        async with serving(desk) as desks, desks.page() as page:
            await page.next("ready")
            desk.feed.close()
            assert await page.until_closed() == live.RESTARTING

    play(story)


def test_signs_of_life_come_though_nothing_happens(desk, monkeypatch):
    monkeypatch.setattr(live, "TICK_SECONDS", 0.02)

    async def story() -> None:
        async with serving(desk) as desks, desks.page() as page:
            await page.next("ready")
            while (tick := json.loads(await page.socket.recv())) != {"type": "tick", "seq": desk.newest}:
                assert tick["type"] == "tick"

    play(story)


# -- what fails beneath --------------------------------------------------------------------------------------


def test_a_broker_that_dies_keeps_no_row_from_the_pages(make_desk, tmp_path, monkeypatch):
    monkeypatch.setattr(bus, "OUTBOX_IDLE_SECONDS", 0.05)
    monkeypatch.setattr(bus, "LONGEST_PAUSE_SECONDS", 0.1)
    broker = BrokerProcess(tmp_path / "broker")
    broker.start()
    desk = make_desk(broker.url)
    desk.answer()

    async def story() -> None:
        async with serving(desk) as desks, speaking(broker.url) as speaker, desks.page() as page:
            notify = asyncio.Event()
            telling = asyncio.create_task(run_outbox(speaker, desk.db, notify))
            await heard_again(speaker, lambda: page.next("words"))
            await asyncio.to_thread(add_rows, desk, 10)
            await page.until_row(desk.newest)

            await asyncio.to_thread(broker.kill)
            await asyncio.to_thread(add_rows, desk, 10)
            await page.until_row(desk.newest)

            await asyncio.to_thread(broker.start)
            await asyncio.to_thread(add_rows, desk, 10)
            await page.until_row(desk.newest)
            await heard_again(speaker, lambda: page.next("words"))
            login = next(row.seq for row in desk.rows(Kind.LOGGED_IN))
            assert page.rows == [seq for seq in numbers(1, desk.newest) if seq != login]
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)

    try:
        play(story)
    finally:
        broker.kill()
        desk.close()


def test_a_row_reaches_the_pages_by_the_brokers_word_and_not_only_by_looking(desk, monkeypatch):
    monkeypatch.setattr(bus, "OUTBOX_IDLE_SECONDS", PATIENCE)

    async def story() -> None:
        async with serving(desk) as desks, speaking(desk.feed._mqtt_url) as speaker, desks.page() as page:
            notify = asyncio.Event()
            telling = asyncio.create_task(run_outbox(speaker, desk.db, notify))
            await page.next("ready")
            for _ in range(3):
                await asyncio.to_thread(add_rows, desk, 1)
                notify.set()
                await page.until_row(desk.newest)
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)

    play(story)


def test_a_busy_database_holds_no_row_back_from_the_pages(desk, busy):
    async def story() -> None:
        async with serving(desk) as desks, desks.page() as page:
            await page.next("ready")
            await asyncio.to_thread(add_rows, desk, 2)
            with busy(desk):  # somebody writes and does not end: looking goes on
                await page.until_row(desk.newest)
            await asyncio.to_thread(add_rows, desk, 2)
            await page.until_row(desk.newest)

    play(story)
