"""One call told as a story: a citizen dials, is answered, speaks; the words and the draft appear; it is all kept."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from asr_models import voice
from hotline import calling
from hotline.app import open_database
from hotline.cli_accounts import how_to_log_in
from hotline.clock import show
from hotline.db import Database
from hotline.doctor import cards
from hotline.drafts.draft import FIELDS
from hotline.events import Kind
from hotline.records import ledger
from hotline.running import hotline
from hotline.settings import Settings
from ivr.citizen import Script

SENTENCE = "你好，我要反映一个问题。金牛区抚琴街道燃气泄漏，味道很大。我的电话是幺三八零零幺三八零零零。"

_TOLD: dict[str, str] = {
    Kind.CALL_ANSWERED: "the line answers",
    Kind.CALL_CONNECTED: "the caller is through",
    Kind.TAPE_STARTED: "the tape runs",
    Kind.EARS_STARTED: "the ears listen",
    Kind.PROMPT_STARTED: "greeting begins",
    Kind.PROMPT_ENDED: "greeting is over",
    Kind.UTTERANCE_HEARD: "heard",
    Kind.DRAFT_UPDATED: "draft",
    Kind.CALL_ENDED: "hung up",
    Kind.TAPE_CLOSED: "the tape is closed",
    Kind.EARS_STOPPED: "the last words are in",
    Kind.DRAFT_COMPLETED: "the draft is final",
    Kind.CALL_CLOSED: "the call is closed",
}


async def demo(
    settings: Settings, tell: Callable[[str], None], until_seen: Callable[[str], Awaitable[None]] | None = None
) -> tuple[list[dict[str, Any]], bool]:
    """Play the story on a stack of its own. Gives the timeline and whether it ended as it should.

    ``until_seen`` says a sentence to somebody who watches in a browser, and returns when they have done so.
    Raises what ``running.hotline`` raises, VoiceFailed and CitizenFailed.
    """
    tell("starting a hotline of its own …")
    async with hotline(settings):
        card = (await cards(settings))[0]
        if until_seen is not None:
            tell(f"  open      {settings.desk}")
            tell(f"  log in    {await asyncio.to_thread(how_to_log_in, settings)}")
            await until_seen("press Enter when you see the desk: a citizen will call")
        tell(f"up at sip:{settings.number}@{card['sip']}; a citizen dials and, after the greeting, says:")
        tell(f"    “{SENTENCE}”")
        pcm = await asyncio.to_thread(voice.speak, SENTENCE)
        heard = settings.var / "demo" / "heard-by-the-citizen.wav"
        script = Script(to=f"sip:{settings.number}@{card['sip']}", pcm=pcm, hear=str(heard))
        db = await asyncio.to_thread(open_database, settings)
        try:
            outcome = await calling.call(settings, db, script, ours=True, tell=lambda p: tell(f"  {p.what:9} {p.text}"))
            timeline = await asyncio.to_thread(_timeline, db, outcome.call_id or "")
        finally:
            db.close()
        if until_seen is not None:
            await until_seen("the call can be heard again at the desk; press Enter to end")
    tell("")
    tell("what the ledger keeps of it, to the second:")
    for row in timeline:
        tell(f"  {row['at']}  {row['what']}  {row['detail']}".rstrip())
    if outcome.draft is not None:
        tell("")
        tell("the draft on the agent's desk:")
        for name, value in outcome.draft.items():
            if name in FIELDS and value is not None:
                tell(f"  {name:12} {value}")
        tell(f"  to ask for   {', '.join(outcome.draft['missing']) or 'nothing'}")
    tell("")
    tell(f"tape         {outcome.recording}")
    tell(f"he heard     {heard}")
    draft = outcome.draft or {}
    told = outcome.state == "closed" and draft.get("district") == "金牛区" and draft.get("urgent") is True
    return timeline, told


def _timeline(db: Database, call_id: str) -> list[dict[str, Any]]:
    with db.read() as session:
        rows = []
        for record in ledger.history(session, call_id):
            payload = json.loads(record.payload or "{}")
            rows.append(
                {
                    "at": show(record.at),
                    "event": record.kind,
                    "what": _TOLD.get(record.kind, record.kind),
                    "detail": _detail(record.kind, payload),
                }
            )
        return rows


def _detail(kind: str, payload: dict[str, Any]) -> str:
    match kind:
        case Kind.CALL_ANSWERED:
            return f"within {payload['answer_ms']} ms"
        case Kind.UTTERANCE_HEARD:
            return f"“{payload['text']}” at {payload['start']:.1f}–{payload['end']:.1f} s"
        case Kind.DRAFT_UPDATED:
            said = {name: field["value"] for name in FIELDS if (field := payload["fields"][name])}
            return " · ".join(f"{name} {said[name]}" for name in ("category", "district", "urgent") if name in said)
        case Kind.CALL_ENDED:
            return f"after {payload['seconds']:.1f} s"
        case Kind.TAPE_CLOSED:
            return f"{payload['samples'] / 8000:.1f} s, SHA-256 {payload['sha256'][:12]}…"
        case _:
            return ""
