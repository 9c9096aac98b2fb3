"""How much of the drafts agents keep, and how long an order takes them (DOMAIN §4, draft)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

from hotline.calls.models import Call
from hotline.drafts.allowed import EDITABLE
from hotline.orders.diffs import KINDS
from hotline.orders.models import WorkOrder


@dataclass(frozen=True, slots=True)
class Adoption:
    """One field over many orders: how often each of `diffs.KINDS`."""

    kept: int = 0
    changed: int = 0
    filled: int = 0
    cleared: int = 0

    @property
    def of(self) -> int:
        """How often the draft had said something; what it left open it did not get wrong."""
        return self.kept + self.changed + self.cleared

    @property
    def rate(self) -> float | None:
        """None for 0/0."""
        return self.kept / self.of if self.of else None

    def as_dict(self) -> dict[str, Any]:
        counts = {kind: getattr(self, kind) for kind in KINDS}
        return {**counts, "numerator": self.kept, "denominator": self.of, "rate": self.rate}


@dataclass(frozen=True, slots=True)
class Report:
    """`after_call_seconds` is the median from the end of a call to its acceptance, 0 for one accepted while it went
    on; `since_answer_seconds` that from the answer. None where there is no order, or no call is over yet."""

    orders: int
    fields: Mapping[str, Adoption]
    total: Adoption
    after_call_seconds: float | None
    since_answer_seconds: float | None

    def as_dict(self) -> dict[str, Any]:
        return {
            "orders": self.orders,
            "fields": {name: one.as_dict() for name, one in self.fields.items()},
            "total": self.total.as_dict(),
            "after_call_seconds": self.after_call_seconds,
            "since_answer_seconds": self.since_answer_seconds,
        }


def report(orders: Iterable[tuple[WorkOrder, Call]]) -> Report:
    """Over accepted orders with their calls; only fields that any of them has."""
    rows = list(orders)
    counts = Counter((name, diff["kind"]) for order, _ in rows for name, diff in order.diffs.items())
    names = [name for name in EDITABLE if any(counts[name, kind] for kind in KINDS)]
    fields = {name: Adoption(**{kind: counts[name, kind] for kind in KINDS}) for name in names}
    total = Adoption(**{kind: sum(getattr(one, kind) for one in fields.values()) for kind in KINDS})
    return Report(
        orders=len(rows),
        fields=fields,
        total=total,
        after_call_seconds=_median(
            max(0.0, (order.accepted_at - call.ended_at).total_seconds()) for order, call in rows if call.ended_at
        ),
        since_answer_seconds=_median((order.accepted_at - call.answered_at).total_seconds() for order, call in rows),
    )


def _median(seconds: Iterable[float]) -> float | None:
    known = list(seconds)
    return median(known) if known else None
