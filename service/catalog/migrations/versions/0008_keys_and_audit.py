"""Keys that are made here, and the trail of who changed what."""

import sqlalchemy as sa
from alembic import op

from service.catalog.columns import UtcTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "api_keys",
        sa.Column("seq", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("held_name", TEXT, nullable=True),
        sa.Column("sha256", TEXT, nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("note", TEXT, nullable=True),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("created_by", TEXT, nullable=False),
        sa.Column("replaces", TEXT, nullable=True),
        sa.Column("last_used_at", UtcTime(), nullable=True),
        sa.Column("expires_at", UtcTime(), nullable=True),
        sa.Column("revoked_at", UtcTime(), nullable=True),
        sa.Column("ends_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("id", name=op.f("uq_api_keys_id")),
        sa.UniqueConstraint("held_name", name=op.f("uq_api_keys_held_name")),
        sa.UniqueConstraint("sha256", name=op.f("uq_api_keys_sha256")),
    )
    op.create_index("ix_api_keys_ends_at", "api_keys", ["ends_at"], unique=False)
    op.create_table(
        "audit",
        sa.Column("seq", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("actor_id", TEXT, nullable=False),
        sa.Column("actor_name", TEXT, nullable=False),
        sa.Column("action", TEXT, nullable=False),
        sa.Column("subject", TEXT, nullable=True),
        sa.Column("request_id", TEXT, nullable=True),
        sa.Column("address", TEXT, nullable=True),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit")),
    )
    op.create_index("ix_audit_at", "audit", ["at", "seq"], unique=False)
    for column in ("actor_id", "actor_name", "action", "subject"):
        op.create_index(f"ix_audit_{column}", "audit", [column, "at", "seq"], unique=False)
