"""The labelled utterances that drafts learn from and are judged by: whole, true to the tables, and apart."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from hotline.units import gazetteer, topics

REPOSITORY = Path(__file__).parents[2]
LEARNT = REPOSITORY / "hotline/drafts/corpus"
HELD_OUT = REPOSITORY / "tests/data/drafts"
CATEGORIES = {"咨询", "求助", "投诉", "举报", "建议", "表扬", "无效"}
HANDOVERS = {None, "110", "119", "120", "122"}


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def knew_topics(path: Path) -> bool:
    """Other authors named departments by their own knowledge of the city."""
    return "topic" in rows(path)[0]


FILES = [path for path in [*sorted(LEARNT.glob("*.jsonl")), *sorted(HELD_OUT.glob("*.jsonl"))] if knew_topics(path)]


def test_there_is_enough_to_learn_from_and_to_judge_by() -> None:
    assert sum(len(rows(path)) for path in LEARNT.glob("*.jsonl")) >= 800
    assert sum(len(rows(path)) for path in HELD_OUT.glob("*.jsonl")) >= 200


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_label_is_one_of_the_tables_or_was_said(path: Path) -> None:
    known, districts = topics.load(), set(gazetteer.load().districts)
    for row in rows(path):
        topic = known[row["topic"]]
        assert set(row.get("also", [])) <= set(known), row
        assert row["category"] in CATEGORIES, row
        assert row["district"] in districts | {None}, row
        assert row["handover"] in HANDOVERS, row
        assert row["department"] == topics.unit(topic.lead, row["street"]), row
        assert row["urgent"] or row["handover"] is None, row
        assert row["urgent"] == (row["urgent_class"] is not None), row
        for said in ("address", "enterprise", "when"):
            assert row.get(said, "") in row["text"], row


def test_what_judges_is_not_learnt() -> None:
    learnt = {row["text"] for path in LEARNT.glob("*.jsonl") for row in rows(path)}
    for path in HELD_OUT.glob("*.jsonl"):
        assert not learnt & {row["text"] for row in rows(path)}


def test_every_topic_has_words_and_none_has_others() -> None:
    with (REPOSITORY / "hotline/drafts/topic_words.toml").open("rb") as file:
        words = tomllib.load(file)
    assert set(words) == set(topics.load())
    assert all(len(said) == len(set(said)) >= 30 for said in words.values())
