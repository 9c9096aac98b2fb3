"""What the agent kept of the draft, field by field: what quality looks at and the drafts learn from. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hotline.drafts.allowed import EDITABLE, Value
from hotline.drafts.overlay import value_of

KINDS = ("kept", "changed", "filled", "cleared")


def diffs(heard: Mapping[str, Any], final: Mapping[str, Any]) -> dict[str, dict[str, Value]]:
    """Field → `{suggested, final, kind}` of every field that either of the two drafts knows."""
    pairs = {name: (value_of(heard, name), value_of(final, name)) for name in EDITABLE}
    return {
        name: {"suggested": suggested, "final": value, "kind": _kind(suggested, value)}
        for name, (suggested, value) in pairs.items()
        if suggested is not None or value is not None
    }


def _kind(suggested: Value, final: Value) -> str:
    if suggested == final:
        return "kept"
    if suggested is None:
        return "filled"
    return "cleared" if final is None else "changed"
