"""Who may listen to the desk, for how long, and what becomes of a page that is slow, gone or turned away."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
import websockets
from live_pages import (
    CALL,
    add_rows,
    numbers,
    play,
    serving,
    until,
)

from agent_desk import live
from hotline.accounts import service as accounts
from hotline.accounts.models import DeskSession
from hotline.clock import now


@pytest.fixture
def desk(live_desk):
    return live_desk


def test_a_page_that_does_not_read_is_cut_off_and_loses_nothing_when_it_comes_again(desk, monkeypatch):
    monkeypatch.setattr(live, "QUEUE", 20)
    long_text = ["路灯坏了" * 20]

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
            while (tick := json.loads(await page.socket.recv()))["seq"] != desk.newest:
                assert tick["type"] == "tick"
            assert datetime.fromisoformat(tick["at"]) <= now()

    play(story)
