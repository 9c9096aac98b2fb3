"""From the caller's words to the draft of a work order: nothing invented, the unknown named."""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from itertools import pairwise
from typing import Any

from hotline.drafts.found import Named
from hotline.drafts.heard import BREAK, Span, Spoken, SpokenWord, Transcript, transcript
from hotline.drafts.phone import find_phone
from hotline.drafts.place import find_location
from hotline.drafts.rules import Rules, load
from hotline.drafts.urgency import Mention, Standing, find_hazards, weightiest

__all__ = ["Draft", "Field", "Span", "Spoken", "SpokenWord", "draft"]

BLAMING = ("举报", "投诉")
"""The categories that blame somebody; the rules name them first."""
_NOT_SO = re.compile(r"(?:不是|不想|不要|没有|不算)(?:要|想|来)?$")
_CLAUSE_END = re.compile(r"[，。,！？；\n]")


@dataclass(frozen=True, slots=True)
class Field:
    """A value, how sure (0 to 1), and the speech it came from."""

    value: str | bool
    confidence: float
    span: Span


@dataclass(frozen=True, slots=True)
class Draft:
    """The fields of a work order as far as they were said; None is unknown and stands in `missing`.

    `urgent` is None with a class and a reason when a hazard was named in doubt: the agent is asked.
    A class and a reason are owed only to what may be urgent.
    """

    title: Field | None = None
    content: Field | None = None
    category: Field | None = None
    district: Field | None = None
    street: Field | None = None
    address: Field | None = None
    phone: Field | None = None
    urgent: Field | None = None
    urgent_class: Field | None = None
    reason: Field | None = None

    @property
    def missing(self) -> tuple[str, ...]:
        calm = self.urgent is not None and self.urgent.value is False
        owed = [f.name for f in fields(self) if not (calm and f.name in ("urgent_class", "reason"))]
        return tuple(name for name in owed if getattr(self, name) is None)

    def as_dict(self) -> dict[str, Any]:
        """For JSON: each field null or `{value, confidence, span: {utterance, start, end, text}}`, and `missing`."""
        return {**asdict(self), "missing": list(self.missing)}


def draft(spoken: Sequence[Spoken]) -> Draft:
    """The draft of what has been said so far; pure, so each new utterance simply makes it anew."""
    rules = load()
    heard = transcript(spoken)
    text = heard.text
    if not text:
        return Draft()
    mentions = find_hazards(text, rules)
    location = find_location(text)
    phone = find_phone(text)
    urgent, urgent_class, reason = _urgency(heard, weightiest(mentions))
    category = _category(heard, mentions, rules)
    return Draft(
        title=_title(heard, mentions, category, location.district or location.street, rules),
        content=_field(heard, text.replace(BREAK, "，"), 1.0, 0, len(text)),
        category=_named(heard, category),
        district=_named(heard, location.district),
        street=_named(heard, location.street),
        address=_named(heard, location.address),
        phone=_named(heard, phone),
        urgent=urgent,
        urgent_class=urgent_class,
        reason=reason,
    )


def _urgency(heard: Transcript, mention: Mention | None) -> tuple[Field | None, Field | None, Field | None]:
    """urgent, its class and the reason."""
    if mention is None:
        return _field(heard, False, 0.6, 0, len(heard.text)), None, None
    here, proof = (mention.start, mention.end), (mention.proof_start, mention.proof_end)
    if mention.standing is Standing.CLEARED:
        return _field(heard, False, 0.8, *proof), None, None
    present = mention.standing is Standing.PRESENT
    sure = 0.9 if present else 0.4
    hazard = mention.hazard
    said = heard.span(*proof).text
    reason = f"来电人说“{said}”" + (f"，应移交{hazard.handover}" if hazard.handover else "")
    return (
        _field(heard, True, sure, *here) if present else None,
        _field(heard, hazard.name, sure, *here),
        _field(heard, reason, sure, *proof),
    )


def _category(heard: Transcript, mentions: Sequence[Mention], rules: Rules) -> Named | None:
    """The caller's own word for it; else a hazard nobody is blamed for is 求助; else the first sign."""
    text = heard.text
    for category in rules.categories:
        for match in category.named.finditer(text):
            if not _NOT_SO.search(text, 0, match.start()):
                return Named(category.name, match.start(), match.end(), 0.9)
    sign = _sign(text, rules)
    if sign and sign.value in BLAMING:
        return sign
    for mention in mentions:
        if mention.standing is Standing.PRESENT:
            return Named("求助", mention.start, mention.end, 0.8)
    return sign


def _sign(text: str, rules: Rules) -> Named | None:
    for category in rules.categories:
        if match := category.signs.search(text):
            return Named(category.name, match.start(), match.end(), 0.6)
    return None


def _title(
    heard: Transcript, mentions: Sequence[Mention], category: Named | None, place: Named | None, rules: Rules
) -> Field | None:
    """A piece of what was said that holds the matter: the hazard, else the sign, else the longest clause."""
    text = heard.text
    deciding = weightiest(mentions)
    if deciding:
        core = (deciding.start, deciding.end)
    elif category:
        core = (category.start, category.end)
    else:
        core = (0, 0)
    clauses = _clauses(text, rules)
    if not clauses:
        return None
    start, end = max(
        clauses,
        key=lambda one: (one[0] < core[1] and core[0] < one[1], one[1] - one[0]),
    )
    if end - start > rules.title_length:
        start = _cut(start, core, place, rules.title_length)
        end = min(end, start + rules.title_length)
    return _field(heard, text[start:end], 0.6, start, end)


def _cut(start: int, core: tuple[int, int], place: Named | None, length: int) -> int:
    """Where a title begins in a clause too long for it: at the place if the matter fits behind it."""
    if place and start <= place.start <= core[0] and core[1] - place.start <= length:
        return place.start
    return max(start, core[1] - length)


def _clauses(text: str, rules: Rules) -> list[tuple[int, int]]:
    """The clauses of `text` without their greetings; those that are nothing else are left out."""
    bounds = [0, *(match.end() for match in _CLAUSE_END.finditer(text)), len(text) + 1]
    found = []
    for start, after in pairwise(bounds):
        end = after - 1
        if lead_in := rules.lead_in.match(text, start, end):
            start = lead_in.end()
        if end > start:
            found.append((start, end))
    return found


def _named(heard: Transcript, named: Named | None) -> Field | None:
    if named is None:
        return None
    return _field(heard, named.value, named.confidence, named.start, named.end)


def _field(heard: Transcript, value: str | bool, sure: float, start: int, end: int) -> Field:
    return Field(value, round(sure * heard.confidence(start, end), 3), heard.span(start, end))
