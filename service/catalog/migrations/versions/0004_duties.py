"""Duties that one process at a time has."""

import sqlalchemy as sa
from alembic import op

from service.catalog.columns import UtcTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "duties",
        sa.Column("name", TEXT, nullable=False),
        sa.Column("claim", TEXT, nullable=False),
        sa.Column("until", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_duties")),
    )
