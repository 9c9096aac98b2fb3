"""Agents' edits to drafts, and the orders that drafts become."""

import sqlalchemy as sa
from alembic import op

from hotline.db.types import UtcSeconds

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("drafts", sa.Column("accepted_at", UtcSeconds(), nullable=True))
    op.create_table(
        "draft_edits",
        sa.Column("call_id", sa.String(length=64), nullable=False),
        sa.Column("field", sa.String(length=32), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.Column("by", sa.String(length=32), nullable=False),
        sa.Column("at", UtcSeconds(), nullable=False),
        sa.ForeignKeyConstraint(["by"], ["accounts.name"], name=op.f("fk_draft_edits_by_accounts")),
        sa.ForeignKeyConstraint(["call_id"], ["calls.call_id"], name=op.f("fk_draft_edits_call_id_calls")),
        sa.PrimaryKeyConstraint("call_id", "field", name=op.f("pk_draft_edits")),
    )
    op.create_table(
        "work_orders",
        sa.Column("order_no", sa.String(length=14), nullable=False),
        sa.Column("extract_code", sa.String(length=6), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("call_id", sa.String(length=64), nullable=False),
        sa.Column("recording_id", sa.String(length=80), nullable=True),
        sa.Column("agent", sa.String(length=32), nullable=False),
        sa.Column("accepted_at", UtcSeconds(), nullable=False),
        sa.Column("title", sa.String(length=30), nullable=False),
        sa.Column("category", sa.String(length=8), nullable=False),
        sa.Column("topic", sa.String(length=100), nullable=True),
        sa.Column("district", sa.String(length=32), nullable=True),
        sa.Column("street", sa.String(length=64), nullable=True),
        sa.Column("department", sa.String(length=64), nullable=True),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("draft_original", sa.JSON(), nullable=False),
        sa.Column("diffs", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["agent"], ["accounts.name"], name=op.f("fk_work_orders_agent_accounts")),
        sa.ForeignKeyConstraint(["call_id"], ["calls.call_id"], name=op.f("fk_work_orders_call_id_calls")),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recordings.recording_id"], name=op.f("fk_work_orders_recording_id_recordings")
        ),
        sa.PrimaryKeyConstraint("order_no", name=op.f("pk_work_orders")),
        sa.UniqueConstraint("call_id", name=op.f("uq_work_orders_call_id")),
    )
    for column in ("accepted_at", "agent", "department", "district", "state", "topic"):
        op.create_index(op.f(f"ix_work_orders_{column}"), "work_orders", [column], unique=False)
