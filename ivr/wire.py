"""What passes between a card and who commands it: JSON lines over a Unix socket (docs/decisions/0003)."""

from __future__ import annotations

import json
from typing import Any

LINE_LIMIT = 4 * 1024 * 1024
"""Longest line either side reads, bytes."""

Message = dict[str, Any]


def encode(message: Message) -> bytes:
    text = json.dumps(message, ensure_ascii=False, separators=(",", ":"))
    # a far end may put bytes of any code into a name or a reason: no message is worth losing for that
    return text.encode("utf-8", "backslashreplace") + b"\n"


def decode(line: bytes) -> Message:
    """Raises ValueError for anything but one JSON object."""
    message = json.loads(line)
    if not isinstance(message, dict):
        raise ValueError("a message is a JSON object")
    return message
