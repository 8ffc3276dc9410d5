"""Legal holds on tasks, and images that are kept, the oldest first."""

import sqlalchemy as sa
from alembic import op

from service.catalog.columns import UtcTime

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

AHEAD = (("ix_assets_kept", "assets", ("archived_at", "seq"), "status = 'archived'"),)
"""Indexes by name, table, columns and condition, which may be there: see `catalog.ahead`."""


def upgrade() -> None:
    op.add_column("tasks", sa.Column("hold_at", UtcTime(), nullable=True))
    op.add_column("tasks", sa.Column("hold_by", TEXT, nullable=True))
    op.add_column("tasks", sa.Column("hold_reason", TEXT, nullable=True))
    held = (
        "ix_tasks_held",
        "tasks",
        ("seq",),
        "hold_at IS NOT NULL",
    )  # of a column that nobody could build it on ahead
    for name, table, columns, where in (held, *AHEAD):
        condition = sa.text(where)
        op.create_index(
            name, table, list(columns), sqlite_where=condition, postgresql_where=condition, if_not_exists=True
        )
