"""The first tables: inbox, tasks, assets, history, tokens and signed links."""

import sqlalchemy as sa
from alembic import op

from service.catalog.columns import UtcTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "callback_tokens",
        sa.Column("seq", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("task_id", TEXT, nullable=True),
        sa.Column("ref", TEXT, nullable=True),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("expires_at", UtcTime(), nullable=True),
        sa.Column("revoked_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_callback_tokens")),
        sa.UniqueConstraint("id", name=op.f("uq_callback_tokens_id")),
    )
    op.create_index(
        "ix_callback_tokens_revoked",
        "callback_tokens",
        ["id"],
        unique=False,
        sqlite_where=sa.text("revoked_at IS NOT NULL"),
        postgresql_where=sa.text("revoked_at IS NOT NULL"),
    )

    op.create_table(
        "callbacks",
        sa.Column("id", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("origin", TEXT, nullable=False),
        sa.Column("task_id", TEXT, nullable=False),
        sa.Column("body_sha256", TEXT, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("bytes", sa.Integer(), nullable=False),
        sa.Column("headers", sa.JSON(), nullable=False),
        sa.Column("token_id", TEXT, nullable=True),
        sa.Column("ref", TEXT, nullable=True),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("status", TEXT, nullable=True),
        sa.Column("verdict", TEXT, nullable=False),
        sa.Column("detail", TEXT, nullable=True),
        sa.Column("deliveries", sa.Integer(), nullable=False),
        sa.Column("received_at", UtcTime(), nullable=False),
        sa.Column("last_received_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_callbacks")),
        sa.UniqueConstraint("source", "task_id", "body_sha256", name=op.f("uq_callbacks_source_task_id_body_sha256")),
    )
    op.create_index("ix_callbacks_task_id", "callbacks", ["task_id"], unique=False)

    op.create_table(
        "history",
        sa.Column("seq", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("task_id", TEXT, nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("origin", TEXT, nullable=False),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("standing", TEXT, nullable=False),
        sa.Column("effect", TEXT, nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("callback_id", sa.BigInteger(), nullable=True),
        sa.Column("note", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_history")),
    )
    op.create_index("ix_history_task_id", "history", ["task_id", "seq"], unique=False)

    op.create_table(
        "signed_links",
        sa.Column("seq", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("task_id", TEXT, nullable=False),
        sa.Column("index", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("expires_at", UtcTime(), nullable=True),
        sa.Column("revoked_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_signed_links")),
        sa.UniqueConstraint("id", name=op.f("uq_signed_links_id")),
    )
    op.create_index("ix_signed_links_asset", "signed_links", ["task_id", "index"], unique=False)

    op.create_table(
        "tasks",
        sa.Column("seq", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("received_at", UtcTime(), nullable=False),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=True),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("confirmed", sa.Boolean(), nullable=False),
        sa.Column("conflict", sa.Boolean(), nullable=False),
        sa.Column("token_id", TEXT, nullable=True),
        sa.Column("model", TEXT, nullable=True),
        sa.Column("ref", TEXT, nullable=True),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("prompt", TEXT, nullable=True),
        sa.Column("parameters", sa.JSON(), nullable=True),
        sa.Column("usage", sa.JSON(), nullable=True),
        sa.Column("error", sa.JSON(), nullable=True),
        sa.Column("created_at", UtcTime(), nullable=True),
        sa.Column("deadline", UtcTime(), nullable=True),
        sa.Column("settled_at", UtcTime(), nullable=True),
        sa.Column("archive_date", sa.Date(), nullable=True),
        sa.Column("provider_json", TEXT, nullable=True),
        sa.Column("check_at", UtcTime(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("sidecar_version", sa.Integer(), nullable=False),
        sa.Column("sidecar_claim", TEXT, nullable=True),
        sa.Column("sidecar_until", UtcTime(), nullable=True),
        sa.Column("sidecar_after", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_tasks")),
        sa.UniqueConstraint("id", name=op.f("uq_tasks_id")),
    )
    op.create_index("ix_tasks_ref", "tasks", ["ref"], unique=False)
    op.create_index(
        "ix_tasks_sidecar_due",
        "tasks",
        ["seq"],
        unique=False,
        sqlite_where=sa.text("version > sidecar_version AND archive_date IS NOT NULL"),
        postgresql_where=sa.text("version > sidecar_version AND archive_date IS NOT NULL"),
    )
    op.create_index("ix_tasks_status", "tasks", ["status", "seq"], unique=False)

    op.create_table(
        "assets",
        sa.Column("seq", BIG_ID, autoincrement=True, nullable=False),
        sa.Column("task_id", TEXT, nullable=False),
        sa.Column("index", sa.Integer(), nullable=False),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=True),
        sa.Column("detail", TEXT, nullable=True),
        sa.Column("links", sa.JSON(), nullable=False),
        sa.Column("refused_links", sa.JSON(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("deadline", UtcTime(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", UtcTime(), nullable=True),
        sa.Column("object_key", TEXT, nullable=True),
        sa.Column("sha256", TEXT, nullable=True),
        sa.Column("bytes", sa.BigInteger(), nullable=True),
        sa.Column("format", TEXT, nullable=True),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("archived_at", UtcTime(), nullable=True),
        sa.Column("purged", sa.Boolean(), nullable=False),
        sa.Column("claim", TEXT, nullable=True),
        sa.Column("claimed_until", UtcTime(), nullable=True),
        sa.ForeignKeyConstraint(["task_id"], ["tasks.id"], name=op.f("fk_assets_task_id")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_assets")),
        sa.UniqueConstraint("task_id", "index", name=op.f("uq_assets_task_id_index")),
    )
    op.create_index(
        "ix_assets_pending",
        "assets",
        ["deadline", "next_attempt_at"],
        unique=False,
        sqlite_where=sa.text("status = 'pending'"),
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.create_index("ix_assets_status", "assets", ["status", "seq"], unique=False)
    op.create_index(
        "ix_assets_to_purge",
        "assets",
        ["seq"],
        unique=False,
        sqlite_where=sa.text("status = 'deleted' AND NOT purged"),
        postgresql_where=sa.text("status = 'deleted' AND NOT purged"),
    )
