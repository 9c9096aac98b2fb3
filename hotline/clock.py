"""Beside every step of a call: the one place that reads the wall clock."""

from datetime import UTC, datetime, timedelta, timezone

# A fixed offset, because China has kept one since 1991 and a slim machine has no zone data.
SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")


class NaiveTime(ValueError):
    """A datetime without a zone was given where a moment is needed."""


def now() -> datetime:
    """The present moment, aware UTC, with its fraction of a second."""
    return datetime.now(UTC)


def utc(at: datetime) -> datetime:
    """The same moment in UTC; raises `NaiveTime` for a datetime without a zone."""
    if at.tzinfo is None:
        raise NaiveTime(f"{at!r} names no zone")
    return at.astimezone(UTC)


def to_second(at: datetime) -> datetime:
    """The second `at` falls in (truncated, as the records keep it), aware UTC."""
    return utc(at).replace(microsecond=0)


def shanghai(at: datetime) -> datetime:
    """The same moment as people in Chengdu read it."""
    return utc(at).astimezone(SHANGHAI)


def show(at: datetime) -> str:
    """`2026-11-22 07:18:05`, Shanghai time, exact to the second (DOMAIN L5)."""
    return shanghai(at).strftime("%Y-%m-%d %H:%M:%S")
