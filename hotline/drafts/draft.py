"""From the caller's words to the draft of a work order: nothing invented, the unknown named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from typing import Any

from hotline.drafts import particulars
from hotline.drafts.found import Named
from hotline.drafts.heard import BREAK, Span, Spoken, SpokenWord, Transcript, transcript
from hotline.drafts.judge import TOPIC, Judgement
from hotline.drafts.judge import load as load_judge
from hotline.drafts.matters import another
from hotline.drafts.mishearing import mend
from hotline.drafts.phone import find_phone
from hotline.drafts.place import find_location
from hotline.drafts.rules import Rules, load
from hotline.drafts.urgency import CALM, Urgency, weigh
from hotline.drafts.when import find_when
from hotline.drafts.wording import content, title
from hotline.units import topics

__all__ = ["Draft", "Field", "Span", "Spoken", "SpokenWord", "draft"]

_EVIDENCE = 16  # characters at most that are shown as what decided a judgement
_MENDED = 0.8  # what is left of the confidence where another word of the same sound was put in
_CHOICES = 3
_JUDGED = 2000  # characters at the beginning and at the end of a call: ten minutes of talk
_SECOND_MATTER = -0.3  # the margin from which on it is one


@dataclass(frozen=True, slots=True)
class Field:
    """A value, how sure (0 to 1), and the speech it came from."""

    value: str | bool
    confidence: float
    span: Span


@dataclass(frozen=True, slots=True)
class Draft:
    """The fields of a work order as far as they were said; None is unknown.

    `urgent` is always judged; `doubt` says that a person should ask (urgency is never dropped silently, DOMAIN §3).
    `choices` are the next best answers, best first, for one key of the agent's.
    """

    title: Field | None = None
    content: Field | None = None
    category: Field | None = None
    topic: Field | None = None
    also: Field | None = None
    district: Field | None = None
    street: Field | None = None
    community: Field | None = None
    address: Field | None = None
    occurred_at: Field | None = None
    urgent: Field | None = None
    urgent_class: Field | None = None
    reason: Field | None = None
    doubt: Field | None = None
    handover: Field | None = None
    department: Field | None = None
    assist: Field | None = None
    direct: Field | None = None
    out_of_scope: Field | None = None
    phone: Field | None = None
    persons: Field | None = None
    enterprise: Field | None = None
    plate: Field | None = None
    amount: Field | None = None
    wish: Field | None = None
    repeat: Field | None = None
    earlier_order: Field | None = None
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    asks: Mapping[str, str] = field(default_factory=dict)

    @property
    def missing(self) -> tuple[str, ...]:
        """The fields an order needs and nobody has named, the weightiest first; `asks` has a question for each."""
        return tuple(self.asks)

    def named(self) -> dict[str, Field | None]:
        return {one.name: getattr(self, one.name) for one in fields(self) if one.name not in ("choices", "asks")}

    def as_dict(self) -> dict[str, Any]:
        """For JSON: each field null or `{value, confidence, span: {utterance, start, end, text}}`; `choices`, `asks`
        and the names of what is `missing`."""
        plain = {name: asdict(value) if value else None for name, value in self.named().items()}
        choices = {name: list(values) for name, values in self.choices.items()}
        return {**plain, "choices": choices, "asks": dict(self.asks), "missing": list(self.missing)}


FIELDS = tuple(Draft().named())


def blank() -> Draft:
    """Of a call of which nothing is known: everything is to be asked."""
    return Draft(asks=load().asks)


def draft(spoken: Sequence[Spoken], called_at: datetime | None = None) -> Draft:
    """The draft of what has been said so far; pure, so each new utterance simply makes it anew.

    `called_at` is the moment of the call, aware: without it 昨天 names no day. Raises NotTrained.
    """
    rules = load()
    heard = transcript(spoken)
    mended = BREAK.join(map(mend, heard.text.split(BREAK)))
    judgement = load_judge().judge(_without_the_middle(mended))
    if judgement.best(TOPIC) is None:
        return blank()
    made = _Making(heard, mended)
    found: dict[str, Field | None] = {
        **made.matter(judgement),
        **made.urgency(weigh(judgement, mended, rules), judgement),
        **made.place(),
        **{name: made.field(find(heard.text)) for name, find in particulars.FINDERS.items()},
        "phone": made.field(find_phone(heard.text)),
        "occurred_at": made.field(find_when(heard.text, called_at)) if called_at else None,
    }
    found["also"] = made.other(another(mended, rules), found["topic"])
    found |= made.units(found)
    found["content"] = made.field(content(mended, _value(found["category"]), rules))
    found["title"] = made.field(title(mended, judgement, _named(found, "district", "street", "address"), rules))
    return Draft(**found, choices=_choices(judgement, found), asks=_asks(found, rules))


@dataclass(frozen=True)
class _Making:
    """Turns what was found in the mended text into fields with the span of what was heard there."""

    heard: Transcript
    mended: str

    def field(self, named: Named | None) -> Field | None:
        if named is None:
            return None
        return self.at(named.value, named.confidence, named.start, named.end)

    def at(self, value: str | bool, sure: float, start: int, end: int) -> Field:
        if self.mended[start:end] != self.heard.text[start:end]:
            sure *= _MENDED
        return Field(value, round(sure * self.heard.confidence(start, end), 3), self.heard.span(start, end))

    def matter(self, judgement: Judgement) -> dict[str, Field | None]:
        made: dict[str, Field | None] = {}
        for question in (TOPIC, "category"):
            best, next_best = judgement.answers[question][:2]
            where = judgement.where(question, best.name, _EVIDENCE)
            made[question] = self.at(best.name, _confidence(best.margin, next_best.margin), *where)
        return made

    def urgency(self, urgency: Urgency, judgement: Judgement) -> dict[str, Field | None]:
        where = judgement.where("urgent_class", urgency.named if urgency.named and urgency.urgent else CALM, _EVIDENCE)
        made: dict[str, Field | None] = {"urgent": self.at(urgency.urgent, urgency.confidence, *where)}
        if urgency.doubt:
            made["doubt"] = self.at(True, 1.0, *where)
        if urgency.named:
            where = judgement.where("urgent_class", urgency.named, _EVIDENCE)
            said = self.heard.span(*where).text
            reason = f"来电人说“{said}”" + (f"，应移交{urgency.handover}" if urgency.handover else "")
            made["urgent_class"] = self.at(urgency.named, urgency.confidence, *where)
            made["reason"] = self.at(reason, urgency.confidence, *where)
            if urgency.handover:
                made["handover"] = self.at(urgency.handover, urgency.confidence, *(urgency.distress or where))
        return made

    def place(self) -> dict[str, Field | None]:
        location = find_location(self.mended)
        return {name: self.field(getattr(location, name)) for name in ("district", "street", "community", "address")}

    def other(self, text: tuple[int, int] | None, main: Field | None) -> Field | None:
        """The topic of a second matter, if it is one."""
        if text is None or main is None:
            return None
        start, end = text
        best = load_judge().judge(self.mended[start:end]).best(TOPIC)
        if best is None or best.name == main.value or best.margin < _SECOND_MATTER:
            return None
        return self.at(best.name, 0.5, start, end)

    def units(self, found: Mapping[str, Field | None]) -> dict[str, Field | None]:
        """Who leads, who assists, whether it goes direct: what the catalogue says of the topic."""
        topic, street = found["topic"], found["street"]
        if topic is None:
            return {}
        entry = topics.load()[str(topic.value)]
        street_name = str(street.value) if street else None

        def same(value: str | bool) -> Field:
            return Field(value, topic.confidence, topic.span)

        assist = "、".join(topics.unit(name, street_name) for name in entry.assist)
        return {
            "department": same(topics.unit(entry.lead, street_name)),
            "assist": same(assist) if assist else None,
            "direct": same(True) if entry.direct else None,
            "out_of_scope": same(True) if entry.lead == topics.OUT_OF_SCOPE else None,
        }


def _without_the_middle(text: str) -> str:
    """As long as `text`; of hours of talk only how it began and how it ends is judged."""
    cut = len(text) - 2 * _JUDGED
    return text if cut <= 0 else text[:_JUDGED] + BREAK * cut + text[-_JUDGED:]


def _choices(judgement: Judgement, found: Mapping[str, Field | None]) -> dict[str, tuple[str, ...]]:
    street = found["street"]
    units = [
        topics.unit(topics.load()[verdict.name].lead, str(street.value) if street else None)
        for verdict in judgement.answers[TOPIC]
    ]
    return {
        "category": tuple(verdict.name for verdict in judgement.answers["category"][:_CHOICES]),
        "topic": tuple(verdict.name for verdict in judgement.answers[TOPIC][:_CHOICES]),
        "department": tuple(dict.fromkeys(units))[:_CHOICES],
    }


def _asks(found: Mapping[str, Field | None], rules: Rules) -> dict[str, str]:
    """The question for each field that an order needs and that is unknown."""
    category = found.get("category")
    if category and category.value == "无效":
        return {}
    wish = found.get("wish")
    needless = {"phone"} if wish and wish.value == "anonymous" else set()
    return {name: ask for name, ask in rules.asks.items() if found.get(name) is None and name not in needless}


def _value(one: Field | None) -> str | None:
    return str(one.value) if one else None


def _named(found: Mapping[str, Field | None], *names: str) -> list[str]:
    return [str(one.value) for name in names if (one := found.get(name))]


def _confidence(best: float, next_best: float) -> float:
    """Of margins: 0.5 where two are alike, near 1 where one stands alone."""
    return round(min(0.99, max(0.3, 0.5 + (best - next_best) / 2)), 3)
