"""Reads what the draft goes by (`rules.toml`) into compiled patterns, once."""

import re
import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

Pattern = re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Content:
    """How a content is worded: its opening by category, what is dropped, what stands for what."""

    opening: Mapping[str, str]
    drop: Pattern
    instead: Sequence[tuple[Pattern, str]]


@dataclass(frozen=True, slots=True)
class Distress:
    """Whom to call for people of whom `said` is told, unless `denied` stands just before, or the urgent class is one of
    `without`."""

    number: str
    said: Pattern
    denied: Pattern
    without: Collection[str]


@dataclass(frozen=True, slots=True)
class Rules:
    """`handovers` by urgent class; `asks` by field, `cues` by name."""

    handovers: Mapping[str, str]
    distress: Sequence[Distress]
    asks: Mapping[str, str]
    another_matter: Pattern
    title_length: int
    lead_in: Pattern
    ending: Pattern
    content: Content
    cues: Mapping[str, Pattern]


@cache
def load(path: Path = Path(__file__).parent / "rules.toml") -> Rules:
    with path.open("rb") as file:
        return build(tomllib.load(file))


def build(data: Mapping[str, Any]) -> Rules:
    content = data["content"]
    return Rules(
        handovers=data["handovers"],
        distress=[
            Distress(one["number"], _any(one["patterns"]), re.compile(one["denied"]), frozenset(one["except"]))
            for one in data["distress"]
        ],
        asks=data["asks"],
        another_matter=_any(data["matters"]["another"]),
        title_length=data["title"]["length"],
        lead_in=re.compile(data["title"]["lead_in"]),
        ending=re.compile(data["title"]["ending"]),
        content=Content(
            content["opening"],
            _any(content["drop"]),
            [(re.compile(pattern), words) for pattern, words in content["instead"]],
        ),
        cues={name: _any(patterns) for name, patterns in data["cues"].items()},
    )


def _any(patterns: Iterable[str]) -> Pattern:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns))
