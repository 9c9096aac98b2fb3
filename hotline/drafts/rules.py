"""Reads what the draft goes by (`rules.toml`) into compiled patterns, once."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

Pattern = re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Hazard:
    """A class of urgent matters; `about` finds the thing itself, `handover` is 110, 119, 120, 122 or None."""

    name: str
    pattern: Pattern
    about: Pattern
    handover: str | None


@dataclass(frozen=True, slots=True)
class Doubt:
    """What takes a hazard back. The first three look at the text that ends where the hazard begins."""

    negated: Pattern
    hypothetical: Pattern
    unsure: Pattern
    repaired: Pattern
    relapse: Pattern
    contrast: Pattern
    between: Pattern


@dataclass(frozen=True, slots=True)
class Category:
    """A category by its Chinese name; `named` is the caller's own word for it, `signs` only hint."""

    name: str
    named: Pattern
    signs: Pattern


@dataclass(frozen=True, slots=True)
class Rules:
    hazards: tuple[Hazard, ...]
    doubt: Doubt
    categories: tuple[Category, ...]
    cues: Mapping[str, Pattern]
    title_length: int
    lead_in: Pattern


@cache
def load(path: Path = Path(__file__).parent / "rules.toml") -> Rules:
    with path.open("rb") as file:
        return build(tomllib.load(file))


def build(data: Mapping[str, Any]) -> Rules:
    return Rules(
        hazards=tuple(
            Hazard(
                one["class"],
                _any(one["patterns"]),
                _any(map(re.escape, one["about"])),
                one.get("handover"),
            )
            for one in data["urgent"]
        ),
        doubt=Doubt(**{name: re.compile(pattern) for name, pattern in data["doubt"].items()}),
        categories=tuple(
            Category(one["name"], _any(map(re.escape, one["named"])), _any(map(re.escape, one["signs"])))
            for one in data["category"]
        ),
        cues={name: _any(patterns) for name, patterns in data["cues"].items()},
        title_length=data["title"]["length"],
        lead_in=re.compile(data["title"]["lead_in"]),
    )


def _any(patterns: Iterable[str]) -> Pattern:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns))
