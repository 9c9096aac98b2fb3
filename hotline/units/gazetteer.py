"""Finds the places of the city in what a caller said; the places are data (`gazetteer.toml`)."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any


class Kind(StrEnum):
    DISTRICT = "district"
    STREET = "street"
    LANDMARK = "landmark"


@dataclass(frozen=True, slots=True)
class Place:
    """One mention: characters `start:end` of the text name it.

    `name` carries the suffix (金牛区 for 金牛); `districts` are those it may lie in, one or more;
    `exact` is False when it was said by an alias.
    """

    kind: Kind
    name: str
    districts: tuple[str, ...]
    start: int
    end: int
    exact: bool


@dataclass(frozen=True, slots=True)
class Entry:
    kind: Kind
    name: str
    districts: tuple[str, ...]
    exact: bool


@dataclass(frozen=True)
class Gazetteer:
    """Spoken form → place; a longer form wins over a shorter one at the same spot."""

    entries: Mapping[str, Entry]
    pattern: re.Pattern[str]
    districts: tuple[str, ...]

    def find_places(self, text: str) -> list[Place]:
        """Every place named in `text`, in order, none overlapping."""
        places = []
        for match in self.pattern.finditer(text):
            entry = self.entries[match.group()]
            places.append(Place(entry.kind, entry.name, entry.districts, match.start(), match.end(), entry.exact))
        return places


@cache
def load(path: Path = Path(__file__).parent / "gazetteer.toml") -> Gazetteer:
    with path.open("rb") as file:
        return build(tomllib.load(file))


def build(data: Mapping[str, Any]) -> Gazetteer:
    """The gazetteer of a parsed data file; raises ValueError for a place in a district that is not listed."""
    districts: Mapping[str, list[str]] = data["districts"]
    entries: dict[str, Entry] = {}
    for kind, table in ((Kind.LANDMARK, "landmarks"), (Kind.STREET, "streets")):
        for name, places in _districts_of(data[table]).items():
            if unknown := set(places) - set(districts):
                raise ValueError(f"{name} lies in {unknown}, which is no district")
            entries[name] = Entry(kind, name, places, exact=True)
    for name, aliases in data["street_aliases"].items():
        for alias in aliases:
            entries.setdefault(alias, Entry(Kind.STREET, name, entries[name].districts, exact=False))
    for name, aliases in districts.items():
        entries[name] = Entry(Kind.DISTRICT, name, (name,), exact=True)
        for alias in aliases:
            entries.setdefault(alias, Entry(Kind.DISTRICT, name, (name,), exact=False))
    return Gazetteer(entries, _pattern(entries, data["not_before"]), tuple(districts))


def find_places(text: str) -> list[Place]:
    """Every place of the city's own gazetteer named in `text`."""
    return load().find_places(text)


def _districts_of(table: Mapping[str, Iterable[str]]) -> dict[str, tuple[str, ...]]:
    """Place → its districts, from district → its places."""
    found: dict[str, tuple[str, ...]] = {}
    for district, names in table.items():
        for name in names:
            found[name] = (*found.get(name, ()), district)
    return found


def _pattern(entries: Mapping[str, Entry], not_before: Iterable[str]) -> re.Pattern[str]:
    other = "|".join(not_before)
    forms = sorted(entries, key=len, reverse=True)
    return re.compile("|".join(re.escape(form) + ("" if entries[form].exact else f"(?!{other})") for form in forms))
