"""What a page is told while it is open, and what it missed: each row once, in order, over a real WebSocket."""

from __future__ import annotations

import asyncio
import json
import threading

import pytest
from broker_process import BrokerProcess
from live_pages import (
    CALL,
    PATIENCE,
    add_rows,
    heard_again,
    numbers,
    play,
    serving,
    speaking,
    until,
)

from agent_desk import live
from hotline import bus
from hotline.bus import run_outbox
from hotline.events import Kind


@pytest.fixture
def desk(live_desk):
    return live_desk


def test_a_page_is_told_what_happens_with_what_it_changed(desk):
    async def story() -> None:
        async with serving(desk) as desks, desks.page(after=desk.newest, watch=CALL) as page:
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


def test_what_is_said_in_a_call_is_told_to_the_page_that_looks_at_it_alone_and_the_look_is_logged(desk):
    async def story() -> None:
        async with (
            serving(desk) as desks,
            desks.page(after=desk.newest, watch=CALL) as looking,
            desks.page(after=desk.newest, watch="another-call") as elsewhere,
        ):
            for page in (looking, elsewhere):
                await page.next("ready")
            assert [row.subject for row in desk.rows(Kind.CALL_OPENED)] == [CALL]
            await asyncio.to_thread(desk.hear, ["燃气", "泄漏"])
            for page in (looking, elsewhere):
                await page.until_row(desk.newest)
            heard = [one for one in looking.seen if one["type"] == "record"]
            assert any(one["utterance"] for one in heard)
            assert any(one["draft"] for one in heard)
            told = [one for one in elsewhere.seen if one["type"] == "record"]
            assert [one["seq"] for one in told] == [one["seq"] for one in heard]
            assert not any(one["utterance"] or one["draft"] for one in told)

    play(story)


def test_numbers_are_masked_on_the_pages_of_those_who_may_not_see_them(desk):
    async def story() -> None:
        async with (
            serving(desk) as desks,
            desks.page("leader", watch=CALL) as masked,
            desks.page("agent", watch=CALL) as whole,
        ):
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


def test_a_broker_that_dies_keeps_no_row_from_the_pages(make_desk, tmp_path, monkeypatch):
    monkeypatch.setattr(bus, "OUTBOX_IDLE_SECONDS", 0.05)
    monkeypatch.setattr(bus, "LONGEST_PAUSE_SECONDS", 0.1)
    broker = BrokerProcess(tmp_path / "broker")
    broker.start()
    desk = make_desk(broker.url)
    desk.answer()

    async def story() -> None:
        async with serving(desk) as desks, speaking(broker.url) as speaker, desks.page(watch=CALL) as page:
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
            untold = {row.seq for kind in (Kind.LOGGED_IN, Kind.CALL_OPENED) for row in desk.rows(kind)}
            assert page.rows == [seq for seq in numbers(1, desk.newest) if seq not in untold]
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
