"""Submissions that are kept before they are sent, what they cost, and events for others."""

import sqlalchemy as sa
from alembic import op

from service.catalog.columns import UtcTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OPEN = sa.text("status IN ('sending', 'unclear', 'found')")
PENDING = sa.text("status = 'pending'")
DELIVERED = sa.text("status = 'delivered'")


def upgrade() -> None:
    _submissions()
    _spending()
    _events()
    op.add_column("tasks", sa.Column("submitted_by", TEXT, nullable=True))
    op.add_column("tasks", sa.Column("estimate", sa.JSON(none_as_null=True), nullable=True))


def _submissions() -> None:
    op.create_table(
        "submissions",
        sa.Column("seq", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("key_name", TEXT, nullable=False),
        sa.Column("idempotency_key", TEXT, nullable=True),
        sa.Column("fingerprint", TEXT, nullable=False),
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.Column("model", TEXT, nullable=False),
        sa.Column("token_id", TEXT, nullable=True),
        sa.Column("callback_url", TEXT, nullable=True),
        sa.Column("ref", TEXT, nullable=True),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("detail", TEXT, nullable=True),
        sa.Column("task_id", TEXT, nullable=True),
        sa.Column("answer_status", sa.Integer(), nullable=True),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("kept_at", UtcTime(), nullable=False),
        sa.Column("sent_at", UtcTime(), nullable=False),
        sa.Column("ended_at", UtcTime(), nullable=True),
        sa.Column("look_at", UtcTime(), nullable=True),
        sa.Column("estimate", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("subjects", sa.JSON(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("reserved", sa.BigInteger(), nullable=False),
        sa.Column("claim", TEXT, nullable=True),
        sa.Column("claimed_until", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_submissions")),
        sa.UniqueConstraint("id", name=op.f("uq_submissions_id")),
        sa.UniqueConstraint("key_name", "idempotency_key", name=op.f("uq_submissions_key_name_idempotency_key")),
    )
    op.create_index(
        "ix_submissions_open", "submissions", ["status", "seq"], unique=False, sqlite_where=OPEN, postgresql_where=OPEN
    )
    op.create_index("ix_submissions_token_id", "submissions", ["token_id"], unique=False)
    op.create_index("ix_submissions_task_id", "submissions", ["task_id"], unique=False)
    op.create_index("ix_submissions_status", "submissions", ["status", "seq"], unique=False)


def _spending() -> None:
    op.create_table(
        "charges",
        sa.Column("task_id", TEXT, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("subjects", sa.JSON(), nullable=False),
        sa.Column("charged", sa.BigInteger(), nullable=False),
        sa.Column("images", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("task_id", name=op.f("pk_charges")),
    )
    op.create_table(
        "spending",
        sa.Column("seq", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("subject", TEXT, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("reserved", sa.BigInteger(), nullable=False),
        sa.Column("charged", sa.BigInteger(), nullable=False),
        sa.Column("tasks", sa.Integer(), nullable=False),
        sa.Column("images", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_spending")),
        sa.UniqueConstraint("subject", "day", name=op.f("uq_spending_subject_day")),
    )
    op.create_index("ix_spending_day", "spending", ["day", "subject"], unique=False)


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("seq", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("task_id", TEXT, nullable=False),
        sa.Column("index", sa.Integer(), nullable=True),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("data", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_events")),
        sa.UniqueConstraint("id", name=op.f("uq_events_id")),
    )
    op.create_index("ix_events_kind", "events", ["kind", "seq"], unique=False)
    op.create_index("ix_events_task_id", "events", ["task_id", "seq"], unique=False)
    op.create_table(
        "deliveries",
        sa.Column("seq", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("event_seq", BIG_ID, nullable=False),
        sa.Column("task_id", TEXT, nullable=False),
        sa.Column("endpoint", TEXT, nullable=False),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", UtcTime(), nullable=True),
        sa.Column("detail", TEXT, nullable=True),
        sa.Column("ended_at", UtcTime(), nullable=True),
        sa.Column("claim", TEXT, nullable=True),
        sa.Column("claimed_until", UtcTime(), nullable=True),
        sa.ForeignKeyConstraint(["event_seq"], ["events.seq"], name=op.f("fk_deliveries_event_seq")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_deliveries")),
        sa.UniqueConstraint("event_seq", "endpoint", name=op.f("uq_deliveries_event_seq_endpoint")),
    )
    op.create_index(
        "ix_deliveries_due",
        "deliveries",
        ["endpoint", "next_attempt_at"],
        unique=False,
        sqlite_where=PENDING,
        postgresql_where=PENDING,
    )
    op.create_index(
        "ix_deliveries_ended",
        "deliveries",
        ["ended_at"],
        unique=False,
        sqlite_where=DELIVERED,
        postgresql_where=DELIVERED,
    )
    op.create_index("ix_deliveries_endpoint", "deliveries", ["endpoint", "seq"], unique=False)
    op.create_index("ix_deliveries_endpoint_status", "deliveries", ["endpoint", "status", "seq"], unique=False)
    op.create_index(
        "ix_deliveries_in_order",
        "deliveries",
        ["task_id", "endpoint", "event_seq"],
        unique=False,
        sqlite_where=PENDING,
        postgresql_where=PENDING,
    )
    op.create_index("ix_deliveries_status", "deliveries", ["status", "seq"], unique=False)
