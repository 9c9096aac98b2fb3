"""Where a call's durable facts are kept: the engine, the column types, the migrations."""

from hotline.db.engine import Database, serialise
from hotline.db.types import UtcSeconds

__all__ = ["Database", "UtcSeconds", "serialise"]
