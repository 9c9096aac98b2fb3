"""Accounts, the sessions of their browsers, and tries to log in."""

import sqlalchemy as sa
from alembic import op

from hotline.db.types import UtcSeconds

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("display_name", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.Column("must_change", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", UtcSeconds(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_accounts")),
    )
    op.create_table(
        "desk_sessions",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("account_name", sa.String(length=32), nullable=False),
        sa.Column("csrf", sa.String(length=64), nullable=False),
        sa.Column("begun_at", UtcSeconds(), nullable=False),
        sa.Column("seen_at", UtcSeconds(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_name"], ["accounts.name"], name=op.f("fk_desk_sessions_account_name_accounts")
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_desk_sessions")),
    )
    op.create_index(op.f("ix_desk_sessions_account_name"), "desk_sessions", ["account_name"], unique=False)
    op.create_table(
        "login_tries",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("at", UtcSeconds(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login_tries")),
    )
    op.create_index(op.f("ix_login_tries_at"), "login_tries", ["at"], unique=False)
