"""The pictures of docs/pictures/, made anew from a hotline that really takes the calls they show."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from browser import Visitor, chromium
from hand import hand_on
from playwright.sync_api import expect
from reports import DOCS
from stack import PATIENCE_SECONDS, RATE_HZ, Stack

from asr_models import voice
from ivr.citizen import Script, send_citizen

PICTURES = DOCS / "pictures"
BEFORE = (
    ("武侯区玉林街道井盖丢了，很危险", "13900010002", "m2"),
    ("我想问一下社保卡怎么办理", "13900010003", "f2"),
    ("成华区双水碾街道路灯坏了，晚上看不见路", "13900010004", "m3"),
    ("青羊区半夜施工，噪音很大，我要投诉", "13900010005", "f4"),
)
CALLER = "你好，我要反映一个问题。锦江区春熙路街道燃气泄漏，味道很大，请你们快点派人来看一下。"
AGENT = "好的，我马上通知燃气公司，请问您的电话是多少"
ANSWER = "我的电话是幺三九零零零幺零零零六"


@pytest.mark.soak
def test_the_pictures_of_the_documents(new_stack: Callable[..., Stack]) -> None:
    expect.set_options(timeout=PATIENCE_SECONDS * 1000)
    stack = new_stack()
    PICTURES.mkdir(exist_ok=True)
    for text, caller, variant in BEFORE:
        stack.asked("call", "--text", text, "--caller", caller, "--voice", variant, "--barge-in")
    pause = bytes(2 * RATE_HZ * 7)
    sound = voice.speak(CALLER, voice="f3") + pause + voice.speak(ANSWER, voice="f3")
    with chromium() as browser, ThreadPoolExecutor(2) as pool:
        visitor = Visitor.arrive(browser, stack.desk)
        page = visitor.page
        page.goto("/login")
        page.get_by_label("用户名").wait_for()
        take(visitor, "login")
        visitor.log_in_first(stack)
        visitor.until_live()
        calling = pool.submit(
            lambda: asyncio.run(send_citizen(Script(to=stack.sip, pcm=sound, caller="13900010006", linger_seconds=4.0)))
        )
        call = stack.books.until_call("connected", len(BEFORE))
        expect(page.locator(".partial .said")).to_contain_text("燃气")
        take(visitor, "live-speaking")
        expect(page.locator(".alarm.urgent")).to_be_visible()

        async def agent() -> None:
            async with hand_on(stack, 0) as hand:
                await hand.speak_as_agent(stack, call.call_id, voice.speak(AGENT, voice="f1") + bytes(2 * RATE_HZ * 6))

        answering = pool.submit(lambda: asyncio.run(agent()))
        expect(page.locator(".utterance.agent .word").first).to_be_visible()
        expect(page.locator(".utterance.caller.partial .said")).to_contain_text("电话")
        page.locator('[data-field="district"]').hover()
        take(visitor, "live")
        calling.result()
        answering.result()
        expect(page.locator('.story[data-state="closed"] .replay canvas').first).to_be_visible()
        page.locator(".word", has_text="燃气").first.click()
        expect(page.locator(".word.now").first).to_be_visible()
        page.locator(".alarm").hover()
        take(visitor, "replay")
        page.keyboard.press("t")
        take(visitor, "replay-dark")
        page.goto("/accounts")
        page.locator("[data-account]").first.wait_for()
        page.keyboard.press("t")
        take(visitor, "accounts")
        visitor.leave()


def take(visitor: Visitor, name: str) -> None:
    threading.Event().wait(0.6)  # for colours to have faded in: a picture shows a moment, and waits for no event
    visitor.page.screenshot(path=Path(PICTURES / f"{name}.png"))
