"""The inbox as a tool: what is removed in time, and what is kept for a token that nothing vouches for."""

import sqlalchemy as sa
from alembic import op

from service.catalog.columns import UtcTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
UNCLEARED = sa.text("cleared_at IS NULL")
STRAY = sa.text("verdict <> 'accepted' AND cleared_at IS NULL")
UNPROVEN = sa.text("named_by IS NOT NULL AND NOT confirmed AND status IN ('pending', 'processing', 'dead')")


def upgrade() -> None:
    op.add_column("callbacks", sa.Column("cleared_at", UtcTime(), nullable=True))
    op.add_column("tasks", sa.Column("named_by", TEXT, nullable=True))
    op.add_column("tasks", sa.Column("named_bytes", sa.Integer(), nullable=False, server_default=sa.text("0")))
    op.create_index("ix_callbacks_token_id", "callbacks", ["token_id", "id"], unique=False)
    _partial_index("ix_callbacks_stray", "callbacks", ["token_id"], STRAY)
    _partial_index("ix_callbacks_uncleared", "callbacks", ["received_at", "id"], UNCLEARED)
    _partial_index("ix_tasks_unproven", "tasks", ["named_by", "status", "named_bytes"], UNPROVEN)


def _partial_index(name: str, table: str, columns: list[str], where: sa.TextClause) -> None:
    op.create_index(name, table, columns, unique=False, sqlite_where=where, postgresql_where=where)
