"""A call's life as one table: answered by the card, over when somebody hangs up, closed when nothing is owed."""

from __future__ import annotations

MOVES: dict[tuple[str, str], str] = {
    ("answered", "connect"): "connected",
    ("answered", "end"): "ended",
    ("connected", "end"): "ended",
    ("ended", "close"): "closed",
}
OPEN = ("answered", "connected")
"""States in which the caller is on the line."""


class MoveNotAllowed(Exception):
    """The move does not exist in this state; nothing was changed."""

    def __init__(self, state: str, move: str) -> None:
        super().__init__(f"a call that is {state} cannot {move}")


def step(state: str, move: str) -> str:
    """The state after ``move``. Raises MoveNotAllowed."""
    after = MOVES.get((state, move))
    if after is None:
        raise MoveNotAllowed(state, move)
    return after
