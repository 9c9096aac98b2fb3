"""How fast, beside something to compare with in the same run; the table goes into docs/benchmarks.md."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import desk_speed
import draft_speed
import ears_speed
import pytest
from rawphone import RawPhone
from reports import DOCS, machine, percentile, table
from stack import Stack

from asr_models import catalogue, client, recogniser, voice
from hotline.clock import now
from hotline.db import Database, migrate
from hotline.records import ledger
from hotline.records.models import Record

SENTENCE = "你好，我要反映一个问题。金牛区抚琴街道燃气泄漏，味道很大，请你们快点派人来看一下。"

Row = list[str]


@pytest.mark.bench
def test_the_table_of_speeds(new_stack: Callable[..., Stack], tmp_path: Path) -> None:
    stack = new_stack()
    rows = [*answering(stack), *listening(stack), *writing_down(tmp_path)]
    rows += draft_speed.drafts_follow_words()
    rows += ears_speed.callers_a_core(tmp_path)
    rows += [*desk_speed.on_the_page(new_stack), *desk_speed.fifty_pages(new_stack)]
    text = "\n\n".join(
        [
            "# Benchmarks",
            f"`make bench`, {datetime.now(UTC):%Y-%m-%d}, {machine()}. Ratios are to be trusted more than absolutes: "
            "both sides of each were measured in one run.",
            table(["what", "measured", "beside", "ratio"], rows),
        ]
    )
    (DOCS / "benchmarks.md").write_text(text + "\n")
    print(f"\n{text}\n")


def answering(stack: Stack, count: int = 100) -> list[Row]:
    """INVITE to 200 (a tape, ears, a greeting begin with it) beside OPTIONS to 200 (nothing does)."""
    invites, bare = [], []
    for _ in range(count):
        phone = RawPhone(stack.sip)
        began = time.perf_counter()
        phone.send(phone.request("OPTIONS"))
        phone.answer("OPTIONS")
        bare.append(1000 * (time.perf_counter() - began))
        began = time.perf_counter()
        phone.invite()
        invites.append(1000 * (time.perf_counter() - began))
        phone.ack()
        phone.speak(bytes(2400))  # a call every 150 ms: the wheel has no handles for thirty in half a second
        phone.bye()
        phone.close()
    return [
        [
            f"INVITE → 200, p{percent}",
            f"{percentile(invites, percent):.1f} ms",
            f"OPTIONS → 200: {percentile(bare, percent):.1f} ms",
            f"{percentile(invites, percent) / percentile(bare, percent):.1f}",
        ]
        for percent in (50, 99)
    ]


def listening(stack: Stack) -> list[Row]:
    """Sound through the ears' socket beside the recogniser called directly, one stream, as fast as it goes."""
    pcm = voice.speak(SENTENCE) * 10
    seconds = len(pcm) / 16000
    ears = stack.var / "run" / "ears-0.sock"
    model = recogniser.load(catalogue.EMBEDDED)
    recogniser.transcribe(model, pcm[:160_000], 8000)  # warm both
    asyncio.run(client.transcribe(ears, pcm[:160_000]))
    began = time.perf_counter()
    recogniser.transcribe(model, pcm, 8000)
    direct = (time.perf_counter() - began) / seconds
    began = time.perf_counter()
    asyncio.run(client.transcribe(ears, pcm))
    through = (time.perf_counter() - began) / seconds
    return [
        [
            "recognition, real-time factor",
            f"{through:.4f} through the ears",
            f"{direct:.4f} direct",
            f"{through / direct:.2f}",
        ]
    ]


def writing_down(folder: Path, count: int = 500) -> list[Row]:
    """A ledger row in a transaction of its own beside a bare row of the same size."""
    db = Database(f"sqlite:///{folder / 'bench.db'}")
    migrate.upgrade(db)
    payload = {"text": SENTENCE, "start": 1.0, "end": 5.0}
    began = time.perf_counter()
    for _ in range(count):
        with db.write() as session:
            ledger.append(session, at=now(), actor="bench", kind="heard", subject="call", payload=payload)
    chained = count / (time.perf_counter() - began)
    began = time.perf_counter()
    for n in range(count):
        with db.write() as session:
            session.add(_bare(1_000_000 + n, payload))
    bare = count / (time.perf_counter() - began)
    db.close()
    return [
        ["ledger rows a second, a commit each", f"{chained:.0f} chained", f"{bare:.0f} bare", f"{chained / bare:.2f}"]
    ]


def _bare(seq: int, payload: dict[str, object]) -> Record:
    text = ledger.canonical(payload)
    empty = "0" * 64
    return Record(
        seq=seq, at=now(), actor="bench", kind="heard", subject="call", payload=text,
        payload_digest=empty, prev_hash=empty, hash=empty,
    )  # fmt: skip
