"""Calls, recordings, utterances, drafts, the ledger and the cursors."""

import sqlalchemy as sa
from alembic import op

from hotline.db.types import UtcSeconds

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "calls",
        sa.Column("call_id", sa.String(length=64), nullable=False),
        sa.Column("sip_call_id", sa.String(length=255), nullable=False),
        sa.Column("card", sa.String(length=64), nullable=False),
        sa.Column("card_run", sa.String(length=64), nullable=False),
        sa.Column("caller", sa.String(length=255), nullable=False),
        sa.Column("called", sa.String(length=255), nullable=False),
        sa.Column("diverted_from", sa.String(length=255), nullable=True),
        sa.Column("caller_name", sa.String(length=255), nullable=True),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("answered_at", UtcSeconds(), nullable=False),
        sa.Column("connected_at", UtcSeconds(), nullable=True),
        sa.Column("ended_at", UtcSeconds(), nullable=True),
        sa.Column("closed_at", UtcSeconds(), nullable=True),
        sa.Column("seconds", sa.Double(), nullable=True),
        sa.Column("cause", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(length=255), nullable=True),
        sa.Column("hung_up_by", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("call_id", name=op.f("pk_calls")),
    )
    op.create_index(op.f("ix_calls_answered_at"), "calls", ["answered_at"], unique=False)
    op.create_index(op.f("ix_calls_sip_call_id"), "calls", ["sip_call_id"], unique=False)
    op.create_index(op.f("ix_calls_state"), "calls", ["state"], unique=False)

    op.create_table(
        "cursors",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_cursors")),
    )
    op.create_table(
        "records",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("at", UtcSeconds(), nullable=False),
        sa.Column("actor", sa.String(length=100), nullable=False),
        sa.Column("kind", sa.String(length=100), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("payload", sa.Text(), nullable=True),
        sa.Column("payload_digest", sa.String(length=64), nullable=False),
        sa.Column("prev_hash", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_records")),
    )
    op.create_index(op.f("ix_records_subject_seq"), "records", ["subject", "seq"], unique=False)

    op.create_table(
        "call_legs",
        sa.Column("leg_id", sa.String(length=64), nullable=False),
        sa.Column("call_id", sa.String(length=64), nullable=False),
        sa.Column("speaker", sa.String(length=32), nullable=False),
        sa.Column("card", sa.String(length=64), nullable=False),
        sa.Column("card_run", sa.String(length=64), nullable=False),
        sa.Column("ears", sa.String(length=16), nullable=False),
        sa.Column("holes", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["calls.call_id"], name=op.f("fk_call_legs_call_id_calls")),
        sa.PrimaryKeyConstraint("leg_id", name=op.f("pk_call_legs")),
    )
    op.create_index(op.f("ix_call_legs_call_id"), "call_legs", ["call_id"], unique=False)
    op.create_table(
        "drafts",
        sa.Column("call_id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column("updated_at", UtcSeconds(), nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["calls.call_id"], name=op.f("fk_drafts_call_id_calls")),
        sa.PrimaryKeyConstraint("call_id", name=op.f("pk_drafts")),
    )
    op.create_table(
        "recordings",
        sa.Column("recording_id", sa.String(length=80), nullable=False),
        sa.Column("call_id", sa.String(length=64), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("path", sa.String(length=500), nullable=False),
        sa.Column("started_at", UtcSeconds(), nullable=False),
        sa.Column("rate_hz", sa.Integer(), nullable=False),
        sa.Column("samples", sa.BigInteger(), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("lost_samples", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["calls.call_id"], name=op.f("fk_recordings_call_id_calls")),
        sa.PrimaryKeyConstraint("recording_id", name=op.f("pk_recordings")),
        sa.UniqueConstraint("call_id", "part", name=op.f("uq_recordings_call_id_part")),
    )
    op.create_table(
        "utterances",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("call_id", sa.String(length=64), nullable=False),
        sa.Column("speaker", sa.String(length=32), nullable=False),
        sa.Column("start", sa.Double(), nullable=False),
        sa.Column("end", sa.Double(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("words", sa.JSON(), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("source", sa.String(length=8), nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["calls.call_id"], name=op.f("fk_utterances_call_id_calls")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_utterances")),
        sa.UniqueConstraint(
            "call_id", "speaker", "start", "source", name=op.f("uq_utterances_call_id_speaker_start_source")
        ),
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_call_legs_call_id"), "call_legs")
    op.drop_table("call_legs")
    op.drop_table("utterances")
    op.drop_table("recordings")
    op.drop_table("drafts")
    op.drop_index(op.f("ix_records_subject_seq"), "records")

    op.drop_table("records")
    op.drop_table("cursors")
    op.drop_index(op.f("ix_calls_state"), "calls")
    op.drop_index(op.f("ix_calls_sip_call_id"), "calls")
    op.drop_index(op.f("ix_calls_answered_at"), "calls")

    op.drop_table("calls")
