"""Finds the places of the city in what a caller said; the places are data (`gazetteer.toml`)."""

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from enum import StrEnum
from functools import cache, lru_cache
from pathlib import Path
from typing import Any


class Kind(StrEnum):
    DISTRICT = "district"
    STREET = "street"
    LANDMARK = "landmark"
    ROAD = "road"
    METRO = "metro"


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
    """Spoken form → place, or None for a word that is no place though it holds the name of one.

    Of the forms that begin at one character the longest wins; one that begins earlier wins over both.
    `starts` has the forms by their first character, longest first. `ordinary` are those that are words of everyday
    Chinese too (团结, 公平): they name a street only right after its district or before a word of place.
    """

    entries: Mapping[str, Entry | None]
    starts: Mapping[str, Sequence[str]]
    ordinary: Set[str]
    not_before: re.Pattern[str]
    before_place: re.Pattern[str]
    districts: tuple[str, ...]

    def find_places(self, text: str) -> list[Place]:
        """Every place named in `text`, in order, none overlapping."""
        places: list[Place] = []
        end = 0
        for start, character in enumerate(text):
            if start < end or (form := self._form_at(text, start, character, places)) is None:
                continue
            end = start + len(form)
            if entry := self.entries[form]:
                places.append(Place(entry.kind, entry.name, entry.districts, start, end, entry.exact))
        return places

    def _form_at(self, text: str, start: int, character: str, before: Sequence[Place]) -> str | None:
        for form in self.starts.get(character, ()):
            end = start + len(form)
            if (
                text.startswith(form, start)
                and not self._begins_another_name(form, text, end)
                and (form not in self.ordinary or self._is_place(form, text, start, end, before))
            ):
                return form
        return None

    def _is_place(self, form: str, text: str, start: int, end: int, before: Sequence[Place]) -> bool:
        """Whether an ordinary word means the street of that name here."""
        entry = self.entries[form]
        after_district = before and before[-1].kind is Kind.DISTRICT and start - before[-1].end <= _NEAR
        if entry and after_district:
            return before[-1].name in entry.districts
        return self.before_place.match(text, end) is not None

    def _begins_another_name(self, form: str, text: str, end: int) -> bool:
        """Whether a form that may begin the name of a road or bridge (武侯 of 武侯大道) does so here."""
        entry = self.entries[form]
        return (
            entry is not None
            and (not entry.exact or entry.kind in (Kind.LANDMARK, Kind.METRO))
            and self.not_before.match(text, end) is not None
        )


# Where two tables have one name (犀浦站, the railway's and the metro's), the first is meant.
_SHORTEST = 2  # characters of a street said without its office
_NEAR = 2  # characters: 双流区那个东升
_OFFICE = re.compile("(?:街道|镇|乡)$")
_TABLES = {Kind.STREET: "streets", Kind.LANDMARK: "landmarks", Kind.ROAD: "roads", Kind.METRO: "metro"}


@cache
def load(path: Path = Path(__file__).parent / "gazetteer.toml") -> Gazetteer:
    with path.open("rb") as file:
        return build(tomllib.load(file))


def build(data: Mapping[str, Any]) -> Gazetteer:
    """The gazetteer of a parsed data file.

    Raises ValueError for a place in a district that is not listed and for an alias of a place that is not.
    """
    districts: Mapping[str, list[str]] = data["districts"]
    names: dict[str, Entry | None] = dict.fromkeys(data["other_words"])
    aliases: dict[str, Entry] = {}
    for kind, table in _TABLES.items():
        places = _districts_of(data[table])
        others = _said_otherwise(kind, places, data)
        if unknown := set(others) - set(places):
            raise ValueError(f"{unknown} has aliases and is not among the {table}")
        for place, where in places.items():
            if unknown := set(where) - set(districts):
                raise ValueError(f"{place} lies in {unknown}, which is no district")
            name = _station(place) if kind is Kind.METRO else place
            names.setdefault(name, Entry(kind, name, where, exact=True))
            for alias in others.get(place, ()):
                aliases.setdefault(alias, Entry(kind, name, where, exact=False))
    for name, short in districts.items():
        names[name] = Entry(Kind.DISTRICT, name, (name,), exact=True)
        for alias in short:
            aliases.setdefault(alias, Entry(Kind.DISTRICT, name, (name,), exact=False))
    for place, where in _districts_of(data["streets"]).items():
        bare = _OFFICE.sub("", place)
        for alias in (bare, f"{bare}镇", f"{bare}乡") if len(bare) >= _SHORTEST else ():
            aliases.setdefault(alias, Entry(Kind.STREET, place, where, exact=False))
    entries = aliases | names
    return Gazetteer(
        entries,
        _by_first_character(entries),
        frozenset(data["ordinary"]),
        _any_of(data["not_before"]),
        _any_of(data["before_place"]),
        tuple(districts),
    )


@lru_cache(maxsize=256)
def find_places(text: str) -> Sequence[Place]:
    """Every place of the city's own gazetteer named in `text`."""
    return load().find_places(text)


def _districts_of(table: Mapping[str, Iterable[str]]) -> dict[str, tuple[str, ...]]:
    """Place → its districts, from district → its places."""
    found: dict[str, tuple[str, ...]] = {}
    for district, names in table.items():
        for name in names:
            found[name] = (*found.get(name, ()), district)
    return found


def _said_otherwise(kind: Kind, places: Iterable[str], data: Mapping[str, Any]) -> Mapping[str, Sequence[str]]:
    if kind is Kind.METRO:
        return {name: (f"{name}地铁站", f"{name}地铁口") for name in places}
    aliases: Mapping[str, Sequence[str]] = data.get(f"{kind}_aliases", {})
    return aliases


def _station(name: str) -> str:
    return name if name.endswith("站") else f"{name}站"


def _by_first_character(forms: Iterable[str]) -> dict[str, list[str]]:
    starts: dict[str, list[str]] = defaultdict(list)
    for form in sorted(forms, key=len, reverse=True):
        starts[form[0]].append(form)
    return dict(starts)


def _any_of(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(patterns) or "(?!)")
