"""What every table shares, and the cursors of those who read a stream once."""

from sqlalchemy import BigInteger, MetaData, String
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column


class Model(DeclarativeBase):
    """The parent of every table; constraints get names, so that a migration can speak of them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class Cursor(Model):
    """How far a reader has come in a numbered stream: the outbox in the ledger, the line in a card's events."""

    __tablename__ = "cursors"

    name: Mapped[str] = mapped_column(String(200), primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger)


def position(session: Session, name: str) -> int:
    """The last number read under this name; 0 for a reader that has not begun."""
    cursor = session.get(Cursor, name)
    return 0 if cursor is None else cursor.position


def advance(session: Session, name: str, to: int) -> bool:
    """Move the cursor to `to`; False, and nothing changed, if it is there or beyond.

    Called in the transaction that acts on the event, it makes reading exactly once.
    """
    cursor = session.get(Cursor, name)
    if cursor is None:
        session.add(Cursor(name=name, position=to))
        session.flush()
        return True
    if cursor.position >= to:
        return False
    cursor.position = to
    return True
