"""The long runs themselves, of any length: ``make test`` takes a small sample, ``make soak`` the whole."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from dataclasses import dataclass, field
from statistics import median

import psutil
from rawphone import RawPhone
from stack import RATE_HZ, Stack, tone, until

from asr_models import voice
from hotline.doctor import cards
from hotline.settings import Settings
from ivr.citizen import Script, send_citizen
from ivr.probe import options

SENTENCES = ("路灯坏了", "我家停水了", "锦江区噪音很大", "青羊区有人乱停车", "金牛区抚琴街道燃气泄漏，味道很大")


@dataclass
class ManyCalls:
    """What was seen of calls one after another. Memory in MiB of unshared pages, by process, after each call."""

    statuses: list[int] = field(default_factory=list)
    answer_ms: list[float] = field(default_factory=list)
    memory: dict[str, list[float]] = field(default_factory=dict)
    tape_ratio: float = 0.0
    """Seconds on tape by seconds connected, summed."""
    words: int = 0
    """Calls of which at least one word was heard."""
    legs_left: int = 0
    restarts: int = 0
    ledger_rows: int = 0
    ledger_whole: bool = False
    seconds: float = 0.0

    def growth(self, name: str, settled: int) -> float:
        """How much more the last fifth of the calls saw than the fifth after ``settled``, MiB (medians)."""
        seen = self.memory[name]
        fifth = max(1, len(seen) // 5)
        return median(seen[-fifth:]) - median(seen[settled : settled + fifth])


def many_calls(stack: Stack, count: int, seed: int = 12345) -> ManyCalls:
    chance = random.Random(seed)
    sounds = {text: voice.speak(text) for text in SENTENCES}
    seen, began = ManyCalls(), time.monotonic()
    connected = 0.0
    sip_ids = []
    for _ in range(count):
        script = Script(
            to=stack.sip,
            pcm=sounds[chance.choice(SENTENCES)],
            polite=False,
            linger_seconds=chance.choice([0.1, 0.5, 1.0]),
            keys=chance.choice(["", "1", "9#"]),
        )
        result = asyncio.run(send_citizen(script))
        seen.statuses.append(result.status)
        seen.answer_ms.append(result.answer_ms or 0.0)
        connected += result.seconds
        sip_ids.append(result.sip_call_id)
        for name, process in stack.processes().items():
            memory = psutil.Process(process["pid"]).memory_full_info().uss / 1024**2
            seen.memory.setdefault(name, []).append(round(memory, 2))
    taped = 0.0
    for sip_id in sip_ids:
        call = until("the call is known", lambda sip_id=sip_id: stack.books.by_sip(sip_id))
        stack.books.until_closed(call.call_id)
        taped += (stack.books.recording(call.call_id).samples or 0) / RATE_HZ
        seen.words += bool(stack.books.transcript(call.call_id))
    status = asyncio.run(cards(Settings(var=stack.var)))
    seen.legs_left = sum(len(card["legs"]) for card in status)
    seen.restarts = sum(process["restarts"] for process in stack.processes().values())
    verdict = stack.books.verdict()
    seen.ledger_rows, seen.ledger_whole = verdict.rows, verdict.whole
    seen.tape_ratio = taped / connected
    seen.seconds = time.monotonic() - began
    return seen


@dataclass
class Deaths:
    """What was seen when a card was killed in the middle of a call, again and again."""

    away_seconds: list[float] = field(default_factory=list)
    """From the kill to the first answer of the card's port."""
    lost_seconds: list[float] = field(default_factory=list)
    """Sound that was sent before the kill and is not on the tape."""


def card_deaths(stack: Stack, count: int) -> Deaths:
    seen = Deaths()
    for _ in range(count):
        phone = RawPhone(stack.sip)
        phone.call()
        answered = time.time()
        phone.speak(tone(1000, 3.0))
        call = until("the call is known", lambda phone=phone: stack.books.by_sip(phone.call_id))
        phone.speak(tone(1000, 1.0))
        until("a spare is warm", lambda: "spare" in stack.processes())
        old = stack.pid("card-0")
        at = time.time()
        os.kill(old, signal.SIGKILL)
        seen.away_seconds.append(asyncio.run(_until_answered(stack.sip_port)))
        phone.close()
        stack.books.until_closed(call.call_id)
        taped = (stack.books.recording(call.call_id).samples or 0) / RATE_HZ
        seen.lost_seconds.append(round(at - answered - taped, 3))
    return seen


async def _until_answered(port: int) -> float:
    began = time.monotonic()
    while time.monotonic() - began < 60:
        try:
            await options("127.0.0.1", port, 0.05)
        except OSError:
            await asyncio.sleep(0.01)
            continue
        return time.monotonic() - began
    return float("inf")
