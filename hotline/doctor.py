"""Would this hotline take a call now? Looks at every part as a caller would meet it, and says how to mend it."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, build_opener

from sqlalchemy.exc import SQLAlchemyError

from asr_models.client import EarsAway, stats
from asr_models.sound import SoundUnreadable, read_pcm
from hotline import bus
from hotline.app import ears_environment, open_database
from hotline.drafts.draft import Spoken, draft
from hotline.drafts.packing import NotTrained
from hotline.prompts import greeting_file
from hotline.settings import Settings, misspelt
from ivr import probe
from ivr.client import CardClient, CardGone

_LOW_DISK_BYTES = 2 * 1024**3
_BROKER_SECONDS = 3.0
_DESK_SECONDS = 3.0


@dataclass(frozen=True)
class Finding:
    part: str
    ok: bool
    what: str
    mend: str = ""
    vital: bool = False
    """Without it no call is taken."""

    @property
    def mark(self) -> str:
        return "ok" if self.ok else ("FAIL" if self.vital else "warning")


async def cards(settings: Settings) -> list[dict[str, Any]]:
    """The status of every card that runs in this HOTLINE_VAR."""
    found = []
    for path in sorted(settings.run_dir.glob("card-*.sock")):
        try:
            client = await CardClient.connect(path)
        except CardGone:
            continue
        try:
            found.append(await asyncio.wait_for(client.ask("status"), 2))
        except (CardGone, TimeoutError):
            continue
        finally:
            await client.close()
    return found


def front_card(running: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The card that citizens reach: the first has the public port, the others dial out."""
    return next((card for card in running if card["card"] == "0"), None)


async def examine(settings: Settings) -> list[Finding]:
    """Every part, the vital one first. The hotline takes calls exactly when no vital finding has failed."""
    running = await cards(settings)
    return [
        await _line(settings, running),
        *(await _beside(settings, running) if running else []),
        await asyncio.to_thread(_database, settings),
        await asyncio.to_thread(_greeting, settings),
        await asyncio.to_thread(_drafts),
        _disk(settings),
        *[Finding("settings", False, problem, "unset or correct it") for problem in misspelt(os.environ)],
    ]


async def _beside(settings: Settings, running: list[dict[str, Any]]) -> list[Finding]:
    """The processes beside the cards; nothing is to be said of them while no hotline runs."""
    ears = sorted(settings.run_dir.glob("ears-*.sock")) or [settings.ears_socket(0)]
    return [
        _service(running),
        *[await _ears(path) for path in ears],
        *_allocator(),
        await _broker(settings),
        await asyncio.to_thread(_desk, settings),
    ]


async def _line(settings: Settings, running: list[dict[str, Any]]) -> Finding:
    start = "start the hotline: make run (or hotline run)"
    if not running:
        return Finding("line", False, f"no card runs in {settings.var}", start, vital=True)
    answering = []
    for card in running:
        host, _, port = card["sip"].rpartition(":")
        try:
            await probe.options(host, int(port))
        except OSError:  # TimeoutError is one
            continue
        answering.append(card)
    if not answering:
        return Finding("line", False, "no card answers SIP", "look into var/log/hotline.log, then restart", vital=True)
    front = front_card(answering)
    if front is None:
        mend = "it is started again by itself; if not, look into var/log/hotline.log"
        return Finding("line", False, "the first card, which has the public port, is away", mend, vital=True)
    if not front["room"]:
        return Finding("line", False, "every leg of the first card is taken", "wait for a call to end", vital=True)
    total = sum(card["legs_max"] for card in answering)
    what = (
        f"answers at sip:{settings.number}@{front['sip']}; room for {front['room']} more callers ({total} legs in all)"
    )
    return Finding("line", True, what, vital=True)


def _service(running: list[dict[str, Any]]) -> Finding:
    lost = sum(card["lost_facts"] for card in running)
    if lost:
        return Finding(
            "line service", False, f"was away so long that {lost} facts were lost", "hotline calls, and the tapes"
        )
    if any(card["commanded"] for card in running):
        return Finding("line service", True, "writes calls down")
    owed = sum(card["unacknowledged"] for card in running)
    return Finding(
        "line service", False, f"is away; calls are answered and taped, {owed} facts wait for it",
        "it is started again by itself; if not, look into var/log/hotline.log",
    )  # fmt: skip


async def _ears(path: Path) -> Finding:
    name = path.stem.replace("-", " ")
    try:
        seen = await asyncio.wait_for(stats(path), 3)
    except (EarsAway, TimeoutError):
        return Finding(name, False, "away; words will come from the tape", "see var/log/hotline.log")
    if seen.get("fallback"):
        mend = "HOTLINE_MODEL, or the one of 'hotline models use', cannot be used: var/log/hotline.log says why"
        return Finding(name, False, f"listen with {seen['model']}, not with the model that was asked for", mend)
    return Finding(name, True, f"listen with {seen['model']}, {seen['streams']} streams")


def _allocator() -> list[Finding]:
    if ears_environment() or "LD_PRELOAD" in os.environ:
        return []
    return [Finding("jemalloc", False, "not installed: a core hears a third fewer callers",
                    "apt install libjemalloc2, then restart")]  # fmt: skip


async def _broker(settings: Settings) -> Finding:
    mend = "live words are not shown elsewhere; nothing else is lost. Set HOTLINE_MQTT_URL or restart"
    url = settings.broker
    if url is None:
        return Finding("broker", False, "not started", mend)
    try:
        async with asyncio.timeout(_BROKER_SECONDS), bus.connection(url):
            return Finding("broker", True, "connected")
    except Exception as error:  # whatever it is, it is no reason not to take a call
        return Finding("broker", False, f"away ({type(error).__name__})", mend)


def _desk(settings: Settings) -> Finding:
    url, mend = settings.desk, "it is started again by itself; if not, look into var/log/hotline.log"
    if url is None:
        return Finding("desk", False, "not started", mend)
    here = f"http://127.0.0.1:{urlsplit(url).port}" if settings.desk_host == "0.0.0.0" else url
    try:
        with build_opener(ProxyHandler({})).open(f"{here}/api/health", timeout=_DESK_SECONDS) as answer:
            seen = json.load(answer)
    except (OSError, ValueError) as error:  # the caller notices nothing
        return Finding("desk", False, f"{url} does not answer ({type(error).__name__})", mend)
    return Finding("desk", True, f"{url}, {seen['pages']} pages open")


def _database(settings: Settings) -> Finding:
    try:
        db = open_database(settings)
        try:
            with db.write():
                pass
        finally:
            db.close()
    except (SQLAlchemyError, OSError) as error:
        return Finding("database", False, f"cannot be written: {error}", "calls are taped meanwhile; mend the disk")
    return Finding("database", True, "up to date, writable")


def _greeting(settings: Settings) -> Finding:
    path = greeting_file(settings)
    try:
        seconds = len(read_pcm(path)) / 2 / 8000
    except (SoundUnreadable, OSError) as error:
        return Finding("greeting", False, f"none: {error}", "make setup, or set HOTLINE_GREETING to a WAV file")
    return Finding("greeting", True, f"{seconds:.1f} s, {path}")


def _drafts() -> Finding:
    try:
        made = draft([Spoken("caller", 0.0, 0.0, "三楼着火了")])
    except NotTrained as error:
        return Finding("drafts", False, f"stay empty: {error}", "make setup, or 'hotline drafts train'")
    return Finding("drafts", True, f"a fire is {made.urgent_class.value if made.urgent_class else 'not known'}")


def _disk(settings: Settings) -> Finding:
    free = shutil.disk_usage(settings.var if settings.var.exists() else Path("/")).free
    hours = free / (2 * 16000 * 3600)
    if free < _LOW_DISK_BYTES:
        return Finding("disk", False, f"{free / 1024**3:.1f} GiB free, {hours:.0f} h of tape", "make room")
    return Finding("disk", True, f"{free / 1024**3:.0f} GiB free, {hours:.0f} h of tape")
