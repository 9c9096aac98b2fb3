"""Is it urgent? Present, unresolved and not hypothetical (DOMAIN §3); in doubt the agent is asked."""

from __future__ import annotations

from dataclasses import dataclass

from hotline.drafts.found import just_before
from hotline.drafts.judge import Judgement
from hotline.drafts.rules import Rules

CALM = "-"
"""The urgent class of what is not urgent."""
_URGENT = -0.2  # from this margin on: a false alarm costs a call, a missed one perhaps a life
_ASKED = 0.45  # nearer to the border than this, the agent is asked
_DOUBTED = -0.3  # the margin from which on the telling itself is one of doubt


@dataclass(frozen=True, slots=True)
class Urgency:
    """`named` is the class of what is or may be urgent; `handover` is 110, 119, 120, 122 or None, and if it is for
    somebody hurt in a matter of another class, `hurt` is start and end of what says so."""

    urgent: bool
    doubt: bool
    confidence: float
    named: str | None
    handover: str | None
    hurt: tuple[int, int] | None = None


def weigh(judgement: Judgement, text: str, rules: Rules) -> Urgency:
    """The likeliest class of what is urgent against that of what is not."""
    named = next(verdict for verdict in judgement.answers["urgent_class"] if verdict.name != CALM)
    margin = (named.margin - judgement.margin("urgent_class", CALM)) / 2
    urgent = margin > _URGENT
    doubt = abs(margin - _URGENT) < _ASKED or judgement.margin("doubt", "True") > _DOUBTED
    confidence = min(0.99, 0.5 + abs(margin - _URGENT) / 2)
    if not urgent:
        return Urgency(False, doubt, confidence, named.name if doubt else None, None)
    if handover := rules.handovers.get(named.name):
        return Urgency(True, doubt, confidence, named.name, handover)
    hurt = _hurt(text, rules)
    return Urgency(True, doubt, confidence, named.name, rules.ambulance if hurt else None, hurt)


def _hurt(text: str, rules: Rules) -> tuple[int, int] | None:
    """Where the caller says that somebody is hurt."""
    for match in rules.injured.finditer(text):
        if not just_before(rules.not_injured, text, match.start()):
            return match.span()
    return None
