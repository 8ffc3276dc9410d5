"""What archived images tell of themselves, and what finds those that look alike."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from service.catalog.columns import UtcTime

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
UNSEEN = sa.text("status = 'archived' AND details_version < 2")


def upgrade() -> None:
    columns: tuple[sa.Column[Any], ...] = (
        sa.Column("details", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("details_version", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("details_claim", TEXT, nullable=True),
        sa.Column("details_after", UtcTime(), nullable=True),
        *(sa.Column(f"alike_{number}", sa.Integer(), nullable=True) for number in range(4)),
    )
    for column in columns:
        op.add_column("assets", column)
    op.create_index(
        "ix_assets_unseen",
        "assets",
        ["details_version", "details_after", "seq"],
        unique=False,
        sqlite_where=UNSEEN,
        postgresql_where=UNSEEN,
    )
    for first in range(4):
        known = sa.text(f"alike_{first} IS NOT NULL")
        op.create_index(
            f"ix_assets_alike_{first}",
            "assets",
            [f"alike_{(first + more) % 4}" for more in range(4)],
            unique=False,
            sqlite_where=known,
            postgresql_where=known,
        )
