"""How right drafts are on calls by authors they have not learnt from; and the same spoken over a real call."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from reports import write_report
from stack import Stack, until

from asr_models import voice
from hotline.drafts.evaluation import evaluate
from ivr.citizen import Script, send_citizen

HELD_OUT = sorted((Path(__file__).parents[1] / "data/drafts").glob("*.jsonl"))
AT_ONCE = 3
"""What one card takes."""

# What `make test` insists on, a little under what was measured: new lines of corpus move each by a few in a thousand.
AT_LEAST = {
    "urgent recall": 0.98,
    "urgent precision": 0.93,
    "handover recall": 0.92,
    "category": 0.90,
    "district": 0.97,
    "department": 0.91,
    "department in first three": 0.97,
    "phones exact": 0.98,
}


def rows(paths: Sequence[Path] = HELD_OUT) -> list[dict[str, Any]]:
    return [json.loads(line) for path in paths for line in path.read_text(encoding="utf-8").splitlines()]


def test_drafts_are_right_on_what_they_have_not_learnt_from() -> None:
    rates = evaluate(rows()).rates()
    assert {name: right / of for name, (right, of) in rates.items() if right / of < AT_LEAST.get(name, 0)} == {}


def urgent_calls(stack: Stack, texts: Sequence[str]) -> list[dict[str, Any]]:
    """Each text said by a simulated citizen on a call of its own, some at once; the drafts as they were closed."""

    def one(text: str) -> dict[str, Any]:
        result = asyncio.run(send_citizen(Script(to=stack.sip, pcm=voice.speak(text), polite=False)))
        call = until("the call is known", lambda: stack.books.by_sip(result.sip_call_id))
        stack.books.until_closed(call.call_id)
        return {"text": text, "heard": stack.books.transcript(call.call_id), **stack.books.draft(call.call_id)}

    made = []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for draft in pool.map(one, texts):
            made.append(draft)
            print(f"\rcalls: {len(made)} of {len(texts)}", end="", flush=True)
    return made


def urgent_texts(count: int, seed: int = 12345) -> list[str]:
    urgent = [row["text"] for row in rows() if row["urgent"]]
    return random.Random(seed).sample(urgent, min(count, len(urgent)))


def test_what_is_urgent_is_urgent_over_a_call(new_stack: Callable[..., Stack]) -> None:
    made = urgent_calls(new_stack(), urgent_texts(6))
    assert sum(one["urgent"]["value"] for one in made) >= 5


@pytest.mark.soak
def test_how_right_drafts_are(new_stack: Callable[..., Stack]) -> None:
    by_file = {path.stem: evaluate(rows([path])).rates() for path in HELD_OUT}
    whole = evaluate(rows()).rates()
    spoken = urgent_calls(new_stack(), urgent_texts(120))
    found = sum(one["urgent"]["value"] for one in spoken)
    asked = sum(one["doubt"] is not None for one in spoken if not one["urgent"]["value"])
    write_report(
        Path("drafts.md"),
        "How right drafts are",
        [
            f"On {len(rows())} calls written by {len(HELD_OUT)} authors from whom nothing was learnt "
            "(`tests/data/drafts`; `hotline drafts eval` shows confusions and the worst). Borders were chosen and "
            "rules mended by them; what was seen at the first reading of each stands in decision 0018. All but x and y "
            "knew neither topics nor rules: their departments are their own view of the city.",
            f"Spoken by a synthetic voice over a real call and heard by the embedded model: of {len(spoken)} urgent "
            f"ones {found} were urgent ({found / len(spoken):.1%}); of the rest {asked} were put to the agent.",
        ],
        ["what", *by_file, "all"],
        [
            [name, *(_rate(rates.get(name)) for rates in by_file.values()), f"{_rate(pair)} ({pair[0]} of {pair[1]})"]
            for name, pair in whole.items()
        ],
    )
    assert found / len(spoken) >= 0.95


def _rate(pair: tuple[int, int] | None) -> str:
    return f"{pair[0] / pair[1]:.1%}" if pair and pair[1] else "—"
