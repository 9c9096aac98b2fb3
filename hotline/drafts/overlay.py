"""The draft as it stands: what was heard, with the agent's edits over it, and what follows from them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hotline.drafts.allowed import BETWEEN, Value
from hotline.drafts.draft import FIELDS
from hotline.drafts.rules import load as load_rules
from hotline.units import topics

_OFFICES = ("department", "assist")


def overlay(fields: Mapping[str, Any], edits: Mapping[str, Value]) -> dict[str, Any]:
    """A stored draft (`Draft.as_dict()`, also an older one that lacks names) with an agent's edits by field.

    An edited field has ``edited`` true, the draft's own value beside it as ``suggested``, and is asked for no more. One
    that follows from another edit (the unit from the topic) has that field's name as ``follows``. Changes neither.
    """
    shown = {name: fields.get(name) for name in FIELDS}
    for name, value in edits.items():
        shown[name] = _put(fields.get(name), value, edited=True)
    for name, value, after in _following(fields, edits):
        if name not in edits and value != value_of(fields, name):
            shown[name] = _put(fields.get(name), value, follows=after)
    asks = {name: ask for name, ask in _asks(fields, edits).items() if name not in edits}
    return {**shown, "choices": fields.get("choices", {}), "asks": asks, "missing": _missing(fields, asks, edits)}


def value_of(fields: Mapping[str, Any], name: str) -> Value:
    """What a field of a draft (stored, or with edits over it) says; None for nothing."""
    field = fields.get(name)
    value: Value = field["value"] if field else None
    return value


def _put(heard: Mapping[str, Any] | None, value: Value, **how: Any) -> dict[str, Any]:
    """A field that a person answers for; the speech it was suggested from stays with it."""
    suggested, span = (heard["value"], heard["span"]) if heard else (None, None)
    return {"value": value, "confidence": 1.0, "span": span, "suggested": suggested, **how}


def _following(fields: Mapping[str, Any], edits: Mapping[str, Value]) -> Iterator[tuple[str, Value, str]]:
    """Field, value, and the edited field it follows."""
    street = _after(fields, edits, "street")
    if "topic" in edits:
        yield from _of_topic(edits["topic"], street)
    elif "street" in edits:
        for name in _OFFICES:
            yield name, _with_office_of(street, value_of(fields, name)), "street"
    if "urgent" in edits:
        if edits["urgent"]:
            yield "handover", _handover(fields, _after(fields, edits, "urgent_class")), "urgent"
        else:
            yield from ((name, None, "urgent") for name in ("urgent_class", "reason", "handover"))
        yield "doubt", None, "urgent"
    elif "urgent_class" in edits:
        yield "handover", _handover(fields, edits["urgent_class"]), "urgent_class"


def _of_topic(topic: Value, street: Value) -> Iterator[tuple[str, Value, str]]:
    entry = topics.load().get(str(topic))
    street_name = str(street) if street else None
    assist = [topics.unit(name, street_name) for name in entry.assist] if entry else []
    yield "department", topics.unit(entry.lead, street_name) if entry else None, "topic"
    yield "assist", BETWEEN.join(assist) or None, "topic"
    yield "direct", (entry.direct or None) if entry else None, "topic"
    yield "out_of_scope", (entry.lead == topics.OUT_OF_SCOPE or None) if entry else None, "topic"


def _with_office_of(street: Value, units: Value) -> Value:
    """Several units may stand in one value; only the street's office changes with the street."""
    if not units:
        return units
    names = (
        topics.unit(topics.STREET_OFFICE, str(street) if street else None)
        if name.endswith(topics.STREET_OFFICE)
        else name
        for name in str(units).split(BETWEEN)
    )
    return BETWEEN.join(names)


def _handover(fields: Mapping[str, Any], urgent_class: Value) -> Value:
    """What was heard while the class stays; of another class its own number, and if it has none, that for people who
    were heard to be in distress."""
    own = load_rules().handovers
    heard, heard_class = value_of(fields, "handover"), str(value_of(fields, "urgent_class"))
    if heard and heard_class == str(urgent_class):
        return heard
    return own.get(str(urgent_class)) or (heard if own.get(heard_class) is None else None)


def _after(fields: Mapping[str, Any], edits: Mapping[str, Value], name: str) -> Value:
    return edits[name] if name in edits else value_of(fields, name)


def _asks(fields: Mapping[str, Any], edits: Mapping[str, Value]) -> Mapping[str, str]:
    asks: dict[str, str] = dict(fields.get("asks", {}))
    if edits.get("category") == "无效":
        return {}
    if edits.get("wish") == "anonymous":
        asks.pop("phone", None)
    return asks


def _missing(fields: Mapping[str, Any], asks: Mapping[str, str], edits: Mapping[str, Value]) -> list[str]:
    """Older drafts name what is missing without a question."""
    known = fields.get("asks")
    return list(asks) if known is not None else [name for name in fields["missing"] if name not in edits]
