"""Asking the provider: what callbacks said, when to ask, who asks, and moments worth remembering."""

from datetime import timedelta

import sqlalchemy as sa
from alembic import op

from service.catalog.columns import UtcTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
DUE = sa.text("check_at IS NOT NULL")


def upgrade() -> None:
    for column in (
        sa.Column("callback_rank", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("expected_images", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("stranger", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("check_since", UtcTime(), nullable=True),
        sa.Column("check_asked", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("check_missing_since", UtcTime(), nullable=True),
        sa.Column("check_linkless_since", UtcTime(), nullable=True),
        sa.Column("check_silent_since", UtcTime(), nullable=True),
        sa.Column("check_claim", TEXT, nullable=True),
        sa.Column("check_until", UtcTime(), nullable=True),
    ):
        op.add_column("tasks", column)
    op.add_column("assets", sa.Column("revivals", sa.Integer(), nullable=False, server_default=sa.text("0")))
    op.create_index(
        "ix_tasks_check_due",
        "tasks",
        ["stranger", "check_asked", "deadline", "check_at"],
        unique=False,
        sqlite_where=DUE,
        postgresql_where=DUE,
    )
    op.create_index("ix_tasks_check_at", "tasks", ["check_at"], unique=False, sqlite_where=DUE, postgresql_where=DUE)
    op.create_table(
        "marks",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_marks")),
    )
    _watch_open_tasks()


def _watch_open_tasks() -> None:
    """Tasks that were told of before anybody could ask: they are due now, in the order in which their links die."""
    tasks = sa.table(
        "tasks",
        sa.column("seq", sa.BigInteger()),
        sa.column("status", sa.Text()),
        sa.column("received_at", UtcTime()),
        sa.column("deadline", UtcTime()),
        sa.column("check_at", UtcTime()),
    )
    connection = op.get_bind()
    waiting = sa.select(tasks.c.seq, tasks.c.received_at, tasks.c.deadline).where(
        tasks.c.status.in_(("pending", "processing"))
    )
    for seq, received_at, deadline in connection.execute(waiting).all():
        connection.execute(
            sa.update(tasks)
            .where(tasks.c.seq == seq)
            .values(check_at=received_at, deadline=deadline or received_at + timedelta(days=1))
        )
