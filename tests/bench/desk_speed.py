"""How long a spoken word takes to the page, and what fifty open pages cost the desk."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import accumulate, cycle
from pathlib import Path
from typing import Any

import psutil
from browser import Visitor, chromium
from rawphone import RawPhone
from reports import percentile
from stack import RATE_HZ, Stack, until

from asr_models import catalogue, recogniser, voice
from hotline import bus
from hotline.doctor import cards
from hotline.settings import Settings

Row = list[str]

SENTENCES = (
    "你好，金牛区抚琴街道燃气泄漏，味道很大",
    "成华区双水碾街道路灯坏了，晚上看不见路",
    "青羊区草堂街道半夜施工，噪音很大，睡不着",
    "武侯区玉林街道井盖丢了，请你们快点派人来看一下",
)
# Date.now() and all that the transcript shows, each time that it changes
WATCH = """() => {
  window.seen = []
  const look = () => {
    const words = [...document.querySelectorAll('.transcript .said')].map(one => one.textContent.trim()).join('')
    if (words && window.seen.at(-1)?.[1] !== words) window.seen.push([Date.now(), words])
  }
  new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true })
}"""
Seen = list[tuple[float, str]]
"""Wall-clock second, and the words of the call as far as they were there."""


def on_the_page(new_stack: Callable[..., Stack], calls: int = 8) -> list[Row]:
    """From the end of a word in the caller's sound to the page that shows it; beside it, to the line's own message."""
    stack = new_stack()
    model = recogniser.load(catalogue.EMBEDDED)
    page_seconds, line_seconds = [], []
    with chromium() as browser, messages(stack) as said:
        visitor = Visitor.arrive(browser, stack.desk)
        visitor.log_in_first(stack)
        for _, text in zip(range(calls), cycle(SENTENCES), strict=False):
            pcm = voice.speak(text)
            visitor.page.goto("/calls")
            visitor.until_live()
            visitor.page.evaluate(WATCH)
            said.clear()
            phone = RawPhone(stack.sip)
            phone.call()
            began = time.time()
            phone.speak(pcm + bytes(2 * RATE_HZ * 2))
            seen = [(at / 1000, words) for at, words in visitor.page.evaluate("window.seen")]
            phone.bye()
            phone.close()
            spoken = [word for final in recogniser.transcribe(model, pcm, RATE_HZ) for word in final.words]
            page_seconds += delays(began, spoken, seen)
            line_seconds += delays(began, spoken, list(said))
            stack.books.until_call("closed")
        visitor.leave()
    return [
        [
            f"end of a word → on the page for good, p{percent} ({len(page_seconds)} words)",
            f"{percentile(page_seconds, percent):.2f} s",
            f"→ in the line's own message: {percentile(line_seconds, percent):.2f} s",
            f"{percentile(page_seconds, percent) / percentile(line_seconds, percent):.2f}",
        ]
        for percent in (50, 95)
    ]


def delays(began: float, spoken: list[Any], seen: Seen) -> list[float]:
    """Of each word: since when it stood in its place for good. Words that were heard otherwise do not count.

    A recogniser may guess a word before it is over: then the delay is negative.
    """
    found = []
    for word, end in zip(spoken, accumulate(len(word.text) for word in spoken), strict=True):
        since: float | None = None
        for at, words in seen:
            if words[end - len(word.text) : end] != word.text:
                since = None
            elif since is None:
                since = at
        if since is not None:
            found.append(since - began - word.end)
    return found


@contextmanager
def messages(stack: Stack) -> Iterator[Seen]:
    """What the line says over the broker of the words being spoken, finished ones before them."""
    said: Seen = []
    url = (stack.var / "run" / "broker.url").read_text().strip()

    async def listen() -> None:
        async for message in bus.subscribe(url, ["hotline/calls/+/words", bus.RECORDS + "utterance_heard"]):
            if message.topic.endswith("/words"):
                said.append((time.time(), message.payload["text"]))
            else:
                said.append((time.time(), message.payload["payload"]["text"]))

    loop = asyncio.new_event_loop()
    task = loop.create_task(listen())
    thread = threading.Thread(target=lambda: loop.run_until_complete(asyncio.gather(task, return_exceptions=True)))
    thread.start()
    yield said
    loop.call_soon_threadsafe(task.cancel)
    thread.join()


# -- fifty pages on twenty calls -----------------------------------------------------------------------------

CALLS, PAGES = 20, 50


@dataclass
class Cost:
    """Of the desk's process over a stretch of time with all calls speaking."""

    core: float
    """Share of one core."""
    mib: float
    """Unshared memory at its end."""
    seen: dict[str, Any] = field(default_factory=dict)
    """What its health says at the end."""


def fifty_pages(new_stack: Callable[..., Stack], seconds: float = 40.0) -> list[Row]:
    """The desk with fifty pages open on twenty calls, beside the same calls with no page open."""
    stack = new_stack(HOTLINE_CARDS="7")
    addresses = [f"sip:12345@{card['sip']}" for card in asyncio.run(cards(Settings(var=stack.var)))]
    cookie = log_in(stack)
    sound = b"".join(voice.speak(text) + bytes(2 * RATE_HZ * 3) for text in SENTENCES)
    phones = [RawPhone(address) for address, _ in zip(cycle(addresses), range(CALLS), strict=False)]
    for phone in phones:
        phone.call()
    over = threading.Event()
    speaking = [threading.Thread(target=speak, args=(phone, sound, n, over)) for n, phone in enumerate(phones)]
    for thread in speaking:
        thread.start()
    try:
        alone = cost(stack, seconds)
        pages = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("pages.py")), stack.desk, cookie, str(PAGES)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        until("all pages are open", lambda: health(stack)["pages"] == PAGES)
        together = cost(stack, seconds)
        told = json.loads(pages.communicate("stop\n", timeout=60)[0])
    finally:
        over.set()
        for thread in speaking:
            thread.join()
        for phone in phones:
            phone.bye()
            phone.close()
    assert together.seen["words_dropped"] == together.seen["pages_too_slow"] == 0
    assert min(told["records"]) > 0
    assert len(set(told["last_seq"])) == 1, "every page knows the same last row"
    return [
        [
            f"desk, {PAGES} pages on {CALLS} calls: CPU",
            f"{100 * together.core:.1f} % of a core, {sum(told['messages']) / told['seconds']:.0f} messages/s",
            f"no page: {100 * alone.core:.1f} %",
            f"{together.core / alone.core:.1f}",
        ],
        [
            f"desk, {PAGES} pages on {CALLS} calls: memory",
            f"{together.mib:.0f} MiB",
            f"no page: {alone.mib:.0f} MiB",
            f"{together.mib / alone.mib:.2f}",
        ],
    ]


def speak(phone: RawPhone, sound: bytes, turn: int, over: threading.Event) -> None:
    """Everybody says the same, but not at the same time."""
    at = turn * len(sound) // CALLS // 2 * 2
    sound = sound[at:] + sound[:at]
    while not over.is_set():
        for start in range(0, len(sound), RATE_HZ):
            if over.is_set():
                return
            phone.speak(sound[start : start + RATE_HZ])


def cost(stack: Stack, seconds: float) -> Cost:
    desk = psutil.Process(stack.pid("desk"))
    began, before = time.monotonic(), desk.cpu_times()
    threading.Event().wait(seconds)  # the stretch that is measured
    after, passed = desk.cpu_times(), time.monotonic() - began
    used = after.user + after.system - before.user - before.system
    return Cost(used / passed, desk.memory_full_info().uss / 1024**2, health(stack))


def health(stack: Stack) -> dict[str, Any]:
    with urllib.request.urlopen(f"{stack.desk}/api/health") as answer:
        seen: dict[str, Any] = json.load(answer)
        return seen


def log_in(stack: Stack) -> str:
    """The cookie of the first administrator's session."""
    with chromium() as browser:
        visitor = Visitor.arrive(browser, stack.desk)
        visitor.log_in_first(stack)
        cookie = next(one["value"] for one in visitor.context.cookies() if one["name"] == "hotline_session")
        visitor.leave()
        return str(cookie)
