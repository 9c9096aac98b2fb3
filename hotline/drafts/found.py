"""What a rule finds in the transcript, before it becomes a field of the draft."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Named:
    """A value, the characters `start:end` of the text that said it, and how sure the rule is (0 to 1)."""

    value: str
    start: int
    end: int
    confidence: float
