"""Two matters in one call: where the second begins."""

from hotline.drafts.rules import Rules

_A_MATTER = 6  # characters at least
_TELLS = 120  # characters at most that tell what it is


def another(text: str, rules: Rules) -> tuple[int, int] | None:
    """Start and end of what a caller says after 另外 or the like, if anything."""
    for turn in rules.another_matter.finditer(text):
        if turn.start() >= _A_MATTER and len(text) - turn.end() >= _A_MATTER:
            return turn.end(), min(len(text), turn.end() + _TELLS)
    return None
