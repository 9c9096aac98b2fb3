"""What an agent may put into a field of the draft: names from the catalogues, lengths, forms."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache

from hotline.drafts.draft import FIELDS
from hotline.drafts.rules import load as load_rules
from hotline.units import gazetteer, topics

Value = str | bool | None
"""None: not given."""

EDITABLE = tuple(name for name in FIELDS if name != "doubt")
"""A doubt is settled by saying whether it is urgent."""
CATEGORIES = ("咨询", "求助", "投诉", "举报", "建议", "表扬", "无效")
"""DOMAIN §3."""
HANDOVERS = ("110", "119", "120", "122")
WISHES = ("anonymous", "confidential")
BETWEEN = "、"
"""Stands between the names of several units or persons."""

_LINE = 60  # characters of a lesser field: a name, a plate, a place
_ADDRESS = 200
_CONTENT = 4000
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_PHONE = re.compile(r"\+?[0-9]{3,20}")
_BETWEEN_DIGITS = re.compile(r"[\s()（）－—-]")
_AMOUNT = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,2})?")
_STREET_OFFICE = re.compile(r"[一-龥]{1,20}街道办")
_WHEN = {4: "%Y", 7: "%Y-%m", 10: "%Y-%m-%d", 16: "%Y-%m-%d %H:%M"}


class UnknownField(ValueError):
    def __init__(self, name: str) -> None:
        super().__init__(f"{name}: no field that can be edited; they are {', '.join(EDITABLE)}")


class ValueNotAllowed(ValueError):
    """`field` cannot have this value; the message says what it can have, and not what it was given."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(f"{field}: {why}")
        self.field = field


def allowed(field: str, value: Value) -> Value:
    """The value as it is kept: blanks trimmed, a number's digits alone. Raises UnknownField, ValueNotAllowed."""
    if field not in EDITABLE:
        raise UnknownField(field)
    if field in ("urgent", "direct", "out_of_scope"):
        return _switch(field, value)
    if isinstance(value, bool):
        raise ValueNotAllowed(field, "is a text")
    text = (value or "").strip()
    if not text:
        return None
    if _CONTROL.search(text) or ("\n" in text and field != "content"):
        raise ValueNotAllowed(field, "is a text of printable characters")
    return _FORMS.get(field, _at_most(_LINE))(field, text)


def departments() -> tuple[str, ...]:
    """The units that topics lead to, the office of the matter's street among them."""
    entries = topics.load().values()
    return tuple(dict.fromkeys(unit for one in entries for unit in (one.lead, *one.assist)))


@cache
def streets() -> Mapping[str, Sequence[str]]:
    """The gazetteer's streets and towns by district."""
    there = gazetteer.load()
    found: dict[str, list[str]] = {district: [] for district in there.districts}
    for name, entry in there.entries.items():
        if entry is not None and entry.kind is gazetteer.Kind.STREET and entry.name == name:
            for district in entry.districts:
                found[district].append(name)
    return found


def _switch(field: str, value: Value) -> Value:
    if isinstance(value, bool):
        return value or (False if field == "urgent" else None)  # the others are there or not
    if value is None and field != "urgent":
        return None
    raise ValueNotAllowed(field, "is true or false")


Form = Callable[[str, str], str]


def _at_most(longest: int) -> Form:
    def check(field: str, text: str) -> str:
        if len(text) > longest:
            raise ValueNotAllowed(field, f"has {longest} characters at most")
        return text

    return check


def _one_of(names: Callable[[], Iterable[str]], what: str) -> Form:
    def check(field: str, text: str) -> str:
        if text not in names():
            raise ValueNotAllowed(field, f"is {what}")
        return text

    return check


def _unit(field: str, text: str) -> str:
    if text not in departments() and not _STREET_OFFICE.fullmatch(text):
        raise ValueNotAllowed(field, "is a unit of the catalogue, or the office of a street")
    return text


def _units(field: str, text: str) -> str:
    return BETWEEN.join(_unit(field, name) for name in re.split(r"[、，,\s]+", text))


def _phone(field: str, text: str) -> str:
    digits = _BETWEEN_DIGITS.sub("", text)
    if not _PHONE.fullmatch(digits):
        raise ValueNotAllowed(field, "has 3 to 20 digits")
    return digits


def _amount(field: str, text: str) -> str:
    sum_ = text.removesuffix("元").replace(",", "").strip()
    if not _AMOUNT.fullmatch(sum_):
        raise ValueNotAllowed(field, "is a sum in yuan")
    return sum_


def _when(field: str, text: str) -> str:
    """As much of a moment as is known, in Shanghai: a year, a month, a day, or a minute of it."""
    try:
        datetime.strptime(text, _WHEN[len(text)])  # noqa: DTZ007  # only its form is looked at
    except (KeyError, ValueError):
        raise ValueNotAllowed(field, "is written 2026, 2026-11, 2026-11-24 or 2026-11-24 18:00") from None
    return text


_topic = _one_of(lambda: topics.load(), "a topic of the catalogue")
_FORMS: Mapping[str, Form] = {
    "title": lambda field, text: _at_most(load_rules().title_length)(field, text),
    "content": _at_most(_CONTENT),
    "category": _one_of(lambda: CATEGORIES, f"one of {', '.join(CATEGORIES)}"),
    "topic": _topic,
    "also": _topic,
    "district": _one_of(lambda: gazetteer.load().districts, "a district of the gazetteer"),
    "address": _at_most(_ADDRESS),
    "occurred_at": _when,
    "reason": _at_most(_ADDRESS),
    "handover": _one_of(lambda: HANDOVERS, f"one of {', '.join(HANDOVERS)}, or nothing"),
    "department": _unit,
    "assist": _units,
    "phone": _phone,
    "amount": _amount,
    "wish": _one_of(lambda: WISHES, f"one of {', '.join(WISHES)}, or nothing"),
}
