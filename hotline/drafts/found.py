"""What a rule finds in the transcript, before it becomes a field of the draft."""

import re
from dataclasses import dataclass

_JUST_BEFORE = 24  # characters in which a pattern is sought that must end where something begins


@dataclass(frozen=True, slots=True)
class Named:
    """A value, the characters `start:end` of the text that said it, and how sure the rule is (0 to 1)."""

    value: str
    start: int
    end: int
    confidence: float


def just_before(pattern: re.Pattern[str], text: str, at: int) -> re.Match[str] | None:
    """What matches a pattern (which ends in ``$``) in the characters before `at`."""
    return pattern.search(text, max(0, at - _JUST_BEFORE), at)
