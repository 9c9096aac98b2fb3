"""What citizens call about and which unit leads: a tree of three levels, as data (`topics.toml`)."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

STREET_OFFICE = "街道办"
"""Stands for the office of the street where the matter is."""
OUT_OF_SCOPE = "不属受理范围"


@dataclass(frozen=True, slots=True)
class Topic:
    """`name` is the whole path, with slashes; `direct` matters skip the district's level (DOMAIN P5)."""

    name: str
    lead: str
    assist: tuple[str, ...]
    direct: bool


@cache
def load(path: Path = Path(__file__).parent / "topics.toml") -> Mapping[str, Topic]:
    """Topics by name."""
    with path.open("rb") as file:
        return build(tomllib.load(file))


def build(data: Mapping[str, Any]) -> Mapping[str, Topic]:
    """The topics of a parsed data file. Raises ValueError for a unit that is not listed, or a path of other depth."""
    units = set(data["units"]["all"])
    topics = {}
    for name, one in data["topics"].items():
        if name.count("/") != 2:
            raise ValueError(f"{name} has not three levels")
        topic = Topic(name, one["lead"], tuple(one.get("assist", ())), one.get("direct", False))
        if unknown := {topic.lead, *topic.assist} - units:
            raise ValueError(f"{name} goes to {', '.join(sorted(unknown))}, which is no unit")
        topics[name] = topic
    return topics


def unit(name: str, street: str | None) -> str:
    """A unit of a topic by its own name: the street's office by that of the street, if it is known."""
    return f"{street}办" if name == STREET_OFFICE and street and street.endswith("街道") else name
