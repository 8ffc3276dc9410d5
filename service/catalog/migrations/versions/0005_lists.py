"""Lists by any filter without a look at every row, in an archive of any size."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

AHEAD = (
    ("ix_callbacks_of_task", "callbacks", ("task_id", "id"), None),
    ("ix_callbacks_received", "callbacks", ("received_at", "id"), None),
    ("ix_callbacks_verdict", "callbacks", ("verdict", "id"), "verdict <> 'accepted'"),
    ("ix_callbacks_origin", "callbacks", ("origin", "id"), "origin <> 'callback'"),
    ("ix_callbacks_status", "callbacks", ("status", "id"), "status <> 'completed'"),
    ("ix_tasks_of_ref", "tasks", ("ref", "seq"), None),
    ("ix_tasks_model", "tasks", ("model", "seq"), None),
    ("ix_assets_format", "assets", ("format", "seq"), "format <> 'png'"),
)
"""Indexes by name, table, columns and condition, which may be there already: see `service.catalog.ahead`."""

REPLACED = (("ix_callbacks_task_id", "callbacks"), ("ix_tasks_ref", "tasks"))


def upgrade() -> None:
    for name, table, columns, where in AHEAD:
        condition = sa.text(where) if where is not None else None
        op.create_index(
            name, table, list(columns), sqlite_where=condition, postgresql_where=condition, if_not_exists=True
        )
    for name, table in REPLACED:
        op.drop_index(name, table)
