"""Is it urgent? Present, unresolved and not hypothetical (DOMAIN §3); in doubt the agent is asked."""

from __future__ import annotations

from dataclasses import dataclass

from hotline.drafts.found import just_before
from hotline.drafts.judge import Judgement
from hotline.drafts.rules import Rules

CALM = "-"
"""The urgent class of what is not urgent."""
_URGENT = -0.37  # from this margin on: a false alarm costs a call, a missed one perhaps a life
_ASKED = 0.4  # nearer to the border than this, the agent is asked
_DOUBTED = -0.5  # the margin from which on the telling itself is one of doubt
_AMBULANCE = "120"  # whom it is called for may have to be freed first


@dataclass(frozen=True, slots=True)
class Urgency:
    """`named` is the class of what is or may be urgent; `handover` is 110, 119, 120, 122 or None, and if it is for
    people in distress and not for the class, `distress` is start and end of what says so."""

    urgent: bool
    doubt: bool
    confidence: float
    named: str | None
    handover: str | None
    distress: tuple[int, int] | None = None


def weigh(judgement: Judgement, text: str, rules: Rules) -> Urgency:
    """The likeliest class of what is urgent against that of what is not."""
    named = next(verdict for verdict in judgement.answers["urgent_class"] if verdict.name != CALM)
    margin = (named.margin - judgement.margin("urgent_class", CALM)) / 2
    urgent = margin > _URGENT
    doubt = abs(margin - _URGENT) < _ASKED or judgement.margin("doubt", "True") > _DOUBTED
    confidence = min(0.99, 0.5 + abs(margin - _URGENT) / 2)
    if not urgent:
        return Urgency(False, doubt, confidence, named.name if doubt else None, None)
    handover, where = rules.handovers.get(named.name), None
    if handover in (None, _AMBULANCE) and (distress := _in_distress(text, named.name, rules)):
        handover, where = distress
    return Urgency(True, doubt, confidence, named.name, handover, where)


def _in_distress(text: str, urgent_class: str, rules: Rules) -> tuple[str, tuple[int, int]] | None:
    """Whom to call for people in distress, and where the caller says that they are."""
    for one in rules.distress:
        for match in () if urgent_class in one.without else one.said.finditer(text):
            if not just_before(one.denied, text, match.start()):
                return one.number, match.span()
    return None
