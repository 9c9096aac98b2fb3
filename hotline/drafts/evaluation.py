"""How right drafts are on labelled utterances: per field, urgency and hand-over as recall and precision, confusions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hotline.drafts.draft import Draft, Spoken, draft

JUDGED = ("category", "district", "street", "department", "urgent", "handover", "phone")
"""What is compared where a row has the key; `text` must be there."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One row: its text, and what was wrong: field → what it should be and what it is."""

    text: str
    wrong: Mapping[str, tuple[Any, Any]]


@dataclass
class Report:
    """Counts over all rows; each rate is a pair of numerator and denominator."""

    rows: int = 0
    right: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)
    top3: int = 0
    urgent: Counter[tuple[bool, bool]] = field(default_factory=Counter)  # (should be, is)
    handed_over: Counter[bool] = field(default_factory=Counter)  # of those that should be
    phones: Counter[bool] = field(default_factory=Counter)  # of those said or found
    doubts: int = 0
    confused: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    judged: list[Judged] = field(default_factory=list)

    def rates(self) -> dict[str, tuple[int, int]]:
        """Name → how many were right, of how many."""
        found = {f"{name}": (self.right[name], self.asked[name]) for name in JUDGED if self.asked[name]}
        if self.asked["department"]:
            found["department in first three"] = (self.top3, self.asked["department"])
        if self.asked["urgent"]:
            hit, false, missed = self.urgent[True, True], self.urgent[False, True], self.urgent[True, False]
            found["urgent recall"] = (hit, hit + missed)
            found["urgent precision"] = (hit, hit + false)
        if self.handed_over:
            found["handover recall"] = (self.handed_over[True], self.handed_over.total())
        if self.phones:
            found["phones exact"] = (self.phones[True], self.phones.total())
        return found

    def worst(self, count: int) -> Sequence[Judged]:
        """The rows with most fields wrong."""
        return sorted((one for one in self.judged if one.wrong), key=lambda one: -len(one.wrong))[:count]

    def as_dict(self, worst: int) -> dict[str, Any]:
        return {
            "rows": self.rows,
            "accuracy": {
                name: {"right": n, "of": m, "rate": n / m if m else None} for name, (n, m) in self.rates().items()
            },
            "doubts": self.doubts,
            "confusion": [
                {"field": name, "should_be": should, "is": was, "times": times}
                for (name, should, was), times in self.confused.most_common()
            ],
            "worst": [
                {"text": one.text, "wrong": {name: {"should_be": a, "is": b} for name, (a, b) in one.wrong.items()}}
                for one in self.worst(worst)
            ],
        }


def evaluate(rows: Iterable[Mapping[str, Any]]) -> Report:
    """Compares the draft of each row's `text` with its labels. Raises NotTrained."""
    report = Report()
    for row in rows:
        _judge(report, row, draft([Spoken("caller", 0.0, 0.0, row["text"])]))
    return report


def _judge(report: Report, row: Mapping[str, Any], made: Draft) -> None:
    report.rows += 1
    wrong = {}
    for name in JUDGED:
        if name not in row:
            continue
        one = getattr(made, name)
        is_, should = one.value if one else None, row[name]
        report.asked[name] += 1
        if is_ == should:
            report.right[name] += 1
        else:
            wrong[name] = (should, is_)
            report.confused[name, str(should), str(is_)] += 1
    report.judged.append(Judged(row["text"], wrong))
    if "department" in row:
        report.top3 += row["department"] in made.choices.get("department", ())
    if "urgent" in row:
        report.urgent[bool(row["urgent"]), bool(made.urgent and made.urgent.value)] += 1
    if row.get("handover"):
        report.handed_over["handover" not in wrong] += 1
    if "phone" in row and (row["phone"] or made.phone):
        report.phones["phone" not in wrong] += 1
    report.doubts += made.doubt is not None
