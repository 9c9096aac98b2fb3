"""Writes what a long run saw as a page of docs/."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"


def percentile(values: Sequence[float], percent: float) -> float:
    """Nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -(-int(percent * len(ordered)) // 100) - 1))]


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def machine() -> str:
    return f"{os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()} {platform.machine()}"


def write_report(
    name: Path, title: str, paragraphs: Sequence[str], head: Sequence[str], rows: Sequence[Sequence[str]]
) -> None:
    """``docs/soak/<name>``, written anew with each run, and printed."""
    text = "\n\n".join([f"# {title}", f"{datetime.now(UTC):%Y-%m-%d}, {machine()}.", *paragraphs, table(head, rows)])
    path = DOCS / "soak" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n")
    print(f"\n{text}\n")
