"""Words being spoken reach the pages, masked where they must be; a page too slow for them harms nobody."""

from __future__ import annotations

from typing import Any

import pytest
from live_pages import (
    CALL,
    SAID,
    heard_again,
    play,
    serving,
    speaking,
)

from agent_desk import live, views
from agent_desk.door import recognise
from agent_desk.live import Event
from hotline.events import words_topic


@pytest.fixture
def desk(live_desk):
    return live_desk


def test_words_arrive_while_they_are_spoken_and_masked_where_they_must_be(desk):
    async def story() -> None:
        async with (
            serving(desk) as desks,
            speaking(desk.feed._mqtt_url) as speaker,
            desks.page("agent", watch=CALL) as whole,
            desks.page("leader", watch=CALL) as masked,
        ):
            heard = await heard_again(speaker, lambda: whole.next("words"))
            assert heard == {"type": "words", "call_id": CALL, **SAID}
            assert (await heard_again(speaker, lambda: masked.next("words")))["text"] == "电话*******"

    play(story)


def test_words_nobody_can_read_are_passed_over(desk):
    async def story() -> None:
        async with serving(desk) as desks, speaking(desk.feed._mqtt_url) as speaker, desks.page(watch=CALL) as page:
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
    words = Event(views.live_words(CALL, SAID, whole=True), call_id=CALL)
    person = recognise(desk.db, desk.browser("agent").cookie.partition("=")[2])
    assert person is not None

    async def story() -> None:
        with desk.feed.opened(person, CALL) as full, desk.feed.opened(person, CALL) as quick:
            for _ in range(5):
                desk.feed._tell(words)
                quick.queue.get_nowait()
            assert (full.queue.qsize(), desk.feed.words_dropped) == (3, 2)
            assert not full.closing.done()
            assert not quick.closing.done()
            assert desk.feed.pages_too_slow == 0

    play(story)
