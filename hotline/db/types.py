"""How a moment is kept in a row: whole UTC seconds in, aware datetimes out."""

from datetime import UTC, datetime

from sqlalchemy import BigInteger, Dialect
from sqlalchemy.types import TypeDecorator

from hotline.clock import utc


class UtcSeconds(TypeDecorator[datetime]):
    """An aware datetime stored as integer UTC seconds (SQLite would lose the zone).

    Fractions are truncated; a datetime without a zone raises `NaiveTime` (a `ValueError`).
    """

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else int(utc(value).timestamp())

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else datetime.fromtimestamp(value, UTC)
