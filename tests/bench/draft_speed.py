"""How fast a draft follows the words: one utterance more, a call of two hours, a process that has just begun."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from reports import percentile

from hotline.clock import now
from hotline.drafts.draft import Spoken, draft
from hotline.drafts.judge import load
from hotline.drafts.mishearing import mend
from hotline.drafts.service import warm

HELD_OUT = Path(__file__).parents[1] / "data/drafts/x.jsonl"
CALLS, UTTERANCES = 20, 8
LONG = 1500
"""Utterances of a caller who talks for two hours."""
BEGIN = "from hotline.drafts.service import warm; warm()"
BARE = "import numpy, sqlalchemy.orm, pydantic"

Row = list[str]


def drafts_follow_words() -> list[Row]:
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        return _measured()
    finally:
        os.sched_setaffinity(0, cores)


def _measured() -> list[Row]:
    texts = [json.loads(line)["text"] for line in HELD_OUT.read_text(encoding="utf-8").splitlines()]
    warm()
    more, judged = [], []
    for n in range(CALLS):
        said = texts[n * UTTERANCES : (n + 1) * UTTERANCES]
        for count in range(1, UTTERANCES + 1):
            spoken = _call(said[:count])
            more.append(_ms(lambda spoken=spoken: draft(spoken, now())))
            words = "\n".join(mend(text) for text in said[:count])
            judged.append(_ms(lambda words=words: load().judge(words)))
    long = _call([texts[n % len(texts)] for n in range(LONG)])
    draft(long[:-1], now())
    whole = _ms(lambda: draft(long, now()))
    return [
        *(
            [
                f"one utterance more → draft, p{percent}, one core",
                f"{percentile(more, percent):.1f} ms",
                f"the classifiers alone: {percentile(judged, percent):.1f} ms",
                f"{percentile(more, percent) / percentile(judged, percent):.1f}",
            ]
            for percent in (50, 99)
        ),
        [
            f"the same after two hours of talk ({LONG} utterances)",
            f"{whole:.0f} ms",
            f"in a call of {UTTERANCES}: {percentile(more, 99):.1f} ms",
            f"{whole / percentile(more, 99):.1f}",
        ],
        _beginning(),
    ]


def _call(texts: Sequence[str]) -> list[Spoken]:
    return [Spoken("caller", 8.0 * n, 8.0 * n + 6, text) for n, text in enumerate(texts)]


def _ms(work) -> float:
    began = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - began)


def _beginning() -> Row:
    """A new process until it can draft, beside one that only loads what every process of the hotline loads."""
    drafting, bare = (min(_seconds(code) for _ in range(5)) for code in (BEGIN, BARE))
    return [
        "a process begins → its first draft",
        f"{drafting:.2f} s",
        f"numpy, SQLAlchemy and pydantic loaded: {bare:.2f} s",
        f"{drafting / bare:.1f}",
    ]


def _seconds(code: str) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - began
