"""Is it urgent? Present, unresolved and not hypothetical (DOMAIN §3); in doubt the agent is asked."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from hotline.drafts.rules import Doubt, Hazard, Rules

_LOOK_BACK = 16
_SENTENCE_END = re.compile(r"[，。,！？\n]")


class Standing(Enum):
    """What became of a hazard that was named."""

    PRESENT = "present"
    DOUBTFUL = "doubtful"
    CLEARED = "cleared"


@dataclass(frozen=True, slots=True)
class Mention:
    """A hazard named by characters `start:end`; `proof_start:proof_end` also hold what cleared it, if anything."""

    hazard: Hazard
    standing: Standing
    start: int
    end: int
    proof_start: int
    proof_end: int


def find_hazards(text: str, rules: Rules) -> list[Mention]:
    """Every hazard named in `text`, in order, each with its standing."""
    named = sorted(
        ((match.start(), match.end(), hazard) for hazard in rules.hazards for match in hazard.pattern.finditer(text)),
        key=lambda one: (one[0], one[1]),
    )
    return [_judge(text, start, end, hazard, rules) for start, end, hazard in named]


def weightiest(mentions: Sequence[Mention]) -> Mention | None:
    """The mention that decides: a present hazard before a doubtful one before a cleared one."""
    for standing in Standing:
        for mention in mentions:
            if mention.standing is standing:
                return mention
    return None


def _judge(text: str, start: int, end: int, hazard: Hazard, rules: Rules) -> Mention:
    doubt = rules.doubt
    before = text[max(0, start - _LOOK_BACK) : start]
    back = start - len(before)
    repair = _repair(text, start, end, doubt)
    if repair and doubt.relapse.search(text, repair.end()):
        repair = None
    if repair and _mended(text, end, repair, hazard, rules):
        return _mention(hazard, Standing.CLEARED, start, end, proof_end=repair.end())
    # Before the negation: 是不是 asks, though 不是 denies.
    if match := doubt.unsure.search(before):
        return _mention(hazard, Standing.DOUBTFUL, start, end, back + match.start())
    if match := doubt.negated.search(before) or doubt.hypothetical.search(before):
        return _mention(hazard, Standing.CLEARED, start, end, back + match.start())
    if repair:
        return _mention(hazard, Standing.DOUBTFUL, start, end, min(start, repair.start()), max(end, repair.end()))
    return _mention(hazard, Standing.PRESENT, start, end)


def _repair(text: str, start: int, end: int, doubt: Doubt) -> re.Match[str] | None:
    """The first word after the hazard that says something was mended; else one before it, unless a 但是 parts them."""
    if after := doubt.repaired.search(text, end):
        return after
    for before in doubt.repaired.finditer(text, 0, start):
        if not doubt.contrast.search(text, before.end(), start):
            return before
    return None


def _mended(text: str, end: int, repair: re.Match[str], hazard: Hazard, rules: Rules) -> bool:
    """Whether it was surely this hazard that was mended: nothing else stands between the two."""
    if repair.start() < end:
        return False
    between = text[end : repair.start()]
    if rules.doubt.between.fullmatch(between):
        return True
    others = (other.about for other in rules.hazards if other is not hazard)
    return (
        len(_SENTENCE_END.findall(between)) <= 2
        and not rules.doubt.contrast.search(between)
        and not any(other.search(between) for other in others)
        and hazard.about.search(between) is not None
    )


def _mention(
    hazard: Hazard,
    standing: Standing,
    start: int,
    end: int,
    proof_start: int | None = None,
    proof_end: int | None = None,
) -> Mention:
    return Mention(
        hazard,
        standing,
        start,
        end,
        start if proof_start is None else proof_start,
        end if proof_end is None else proof_end,
    )
