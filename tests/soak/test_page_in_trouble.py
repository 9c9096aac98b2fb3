"""The whole of it: a page through reloads, lost networks and killed desks in one long call (report: docs/soak/)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from browser import Visitor, chromium
from lossy import Network
from playwright.sync_api import Page
from rawphone import RawPhone
from reports import write_report
from stack import RATE_HZ, Stack, until

from asr_models import voice
from hotline.calls import queries

ROUNDS = 3
LOST_SECONDS = 20.0
SENTENCES = ("金牛区抚琴街道燃气泄漏", "成华区双水碾街道路灯坏了", "青羊区草堂街道半夜施工噪音很大")


@pytest.mark.soak
def test_a_page_misses_nothing_and_shows_nothing_twice_whatever_happens_to_it(new_stack: Callable[..., Stack]) -> None:
    stack = new_stack()
    sound = b"".join(voice.speak(text) + bytes(2 * RATE_HZ * 2) for text in SENTENCES)
    rows = []
    with Network(stack.desk_port) as network, chromium() as browser:
        visitor = Visitor.arrive(browser, f"http://127.0.0.1:{network.port}")
        visitor.log_in_first(stack)
        visitor.until_live()
        phone, over = RawPhone(stack.sip), threading.Event()
        phone.call()
        speaking = threading.Thread(target=speak, args=(phone, sound, over))
        speaking.start()
        page = visitor.page
        page.locator("[data-utterance]").first.wait_for()
        call = stack.books.until_call("connected")
        for n in range(1, ROUNDS + 1):
            for what, trouble in (("reload", reload), ("network lost for 20 s", lost), ("desk killed", killed)):
                before = len(kept(stack, call.call_id))
                back = trouble(visitor, network, stack)
                began = time.monotonic()
                until("the page has all", lambda: shown(page) == kept(stack, call.call_id))
                caught_up = time.monotonic() - began
                missed = len(kept(stack, call.call_id)) - before
                rows.append([str(n), what, f"{back:.2f} s", str(missed), f"{caught_up:.2f} s"])
        over.set()
        speaking.join()
        phone.bye()
        phone.close()
        stack.books.until_closed(call.call_id)
        page.locator('.story[data-state="closed"]').wait_for()
        assert shown(page) == kept(stack, call.call_id)
        rows.append(["", "after the call", "–", str(len(shown(page))), "–"])
        visitor.leave()
    write_report(
        Path("page-in-trouble.md"),
        "A page through reloads, lost networks and killed desks",
        [
            "One call, a caller who never stops, one page in Chromium behind a network that can be lost. After each "
            "trouble the sentences on the page are compared with the database: the same ones, in order, once each. "
            "“Live again”: from the moment when the trouble was over (the desk: from its kill) until the page said so.",
        ],
        ["round", "trouble", "live again after", "sentences meanwhile", "all there after"],
        rows,
    )


def speak(phone: RawPhone, sound: bytes, over: threading.Event) -> None:
    while not over.is_set():
        for start in range(0, len(sound), RATE_HZ):
            if not over.is_set():
                phone.speak(sound[start : start + RATE_HZ])


def reload(visitor: Visitor, network: Network, stack: Stack) -> float:
    began = time.monotonic()
    visitor.page.reload()
    visitor.until_live()
    return time.monotonic() - began


def lost(visitor: Visitor, network: Network, stack: Stack) -> float:
    network.lose()
    visitor.page.wait_for_timeout(1000 * LOST_SECONDS)
    visitor.page.locator('[data-standing="lost"]').wait_for()
    network.find()
    began = time.monotonic()
    visitor.until_live()
    return time.monotonic() - began


def killed(visitor: Visitor, network: Network, stack: Stack) -> float:
    old = stack.kill("desk")
    began = time.monotonic()
    visitor.page.locator('[data-standing="lost"]').wait_for()
    stack.until_restarted("desk", old)
    visitor.until_live()
    return time.monotonic() - began


def shown(page: Page) -> list[str]:
    return page.eval_on_selector_all("[data-utterance]", "all => all.map(one => one.dataset.utterance)")


def kept(stack: Stack, call_id: str) -> list[str]:
    with stack.books.db.read() as session:
        return [str(row.id) for row in queries.utterances(session, call_id)]
