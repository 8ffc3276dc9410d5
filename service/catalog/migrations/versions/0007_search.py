"""Finding by words, tags, hosts, sizes and times."""

import sqlalchemy as sa
from alembic import op

from service.catalog.columns import Terms

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
RARE_SOURCE = "source <> 'evolink'"

AHEAD = (
    ("ix_tasks_received", "tasks", ("received_at", "seq"), None),
    ("ix_tasks_source", "tasks", ("source", "seq"), RARE_SOURCE),
    ("ix_assets_archived", "assets", ("archived_at", "seq"), None),
    ("ix_assets_bytes", "assets", ("bytes", "seq"), None),
    ("ix_assets_size", "assets", ("width", "height", "seq"), None),
    ("ix_assets_host", "assets", ("host", "seq"), None),
)
"""Indexes by name, table, columns and condition; those of columns that are there may be, too: see `catalog.ahead`."""


def upgrade() -> None:
    op.add_column("assets", sa.Column("host", TEXT, nullable=True))
    op.create_table(
        "search",
        sa.Column("seq", BIG_ID, autoincrement=False, nullable=False),
        sa.Column("terms", Terms(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_search")),
    )
    if op.get_context().dialect.name == "sqlite":
        op.execute(
            "CREATE VIRTUAL TABLE search_index USING fts5(terms, content='search', content_rowid='seq', "
            "detail='none', tokenize='ascii')"
        )
    else:
        op.create_index("ix_search_terms", "search", ["terms"], postgresql_using="gin")
    for name, table, columns, where in AHEAD:
        condition = sa.text(where) if where is not None else None
        op.create_index(
            name, table, list(columns), sqlite_where=condition, postgresql_where=condition, if_not_exists=True
        )
