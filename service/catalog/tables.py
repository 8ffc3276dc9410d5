"""The tables, once. Migrations create them; a test holds the two against each other."""

import sqlalchemy as sa

from service.catalog.columns import BigId, Terms, Text, UtcTime, metadata, partial_index
from service.catalog.key_tables import api_keys, audit
from service.catalog.submission_tables import charges, deliveries, events, spending, submissions

__all__ = [
    "api_keys",
    "assets",
    "audit",
    "callback_tokens",
    "callbacks",
    "charges",
    "deliveries",
    "duties",
    "events",
    "history",
    "marks",
    "metadata",
    "search",
    "signed_links",
    "spending",
    "submissions",
    "tasks",
]

UNCLEARED = "cleared_at IS NULL"
STRAY = f"verdict <> 'accepted' AND {UNCLEARED}"
UNPROVEN = "named_by IS NOT NULL AND NOT confirmed AND status IN ('pending', 'processing', 'dead')"
NOT_ACCEPTED = "verdict <> 'accepted'"
NOT_CALLED_BACK = "origin <> 'callback'"
NOT_COMPLETED = "status <> 'completed'"
UNSEEN = "status = 'archived' AND details_version < 2"
NOT_PNG = "format <> 'png'"
NOT_EVOLINK = "source <> 'evolink'"
"""What partial indexes hold; a query uses one only when it says the same in the same words."""

callbacks = sa.Table(
    "callbacks",
    metadata,
    sa.Column("id", BigId, primary_key=True, autoincrement=True),
    sa.Column("source", Text, nullable=False),
    sa.Column("origin", Text, nullable=False),
    sa.Column("task_id", Text, nullable=False),  # '' when unreadable
    sa.Column("body_sha256", Text, nullable=False),
    sa.Column("body", sa.LargeBinary),
    sa.Column("bytes", sa.Integer, nullable=False),
    sa.Column("headers", sa.JSON, nullable=False),
    sa.Column("token_id", Text),
    sa.Column("ref", Text),
    sa.Column("tags", sa.JSON, nullable=False),
    sa.Column("status", Text),  # the provider's word
    sa.Column("verdict", Text, nullable=False),
    sa.Column("detail", Text),
    sa.Column("deliveries", sa.Integer, nullable=False),
    sa.Column("received_at", UtcTime, nullable=False),
    sa.Column("last_received_at", UtcTime, nullable=False),
    sa.Column("cleared_at", UtcTime),  # when body and headers were removed, or lost with an earlier database
    sa.UniqueConstraint("source", "task_id", "body_sha256"),
    sa.Index("ix_callbacks_of_task", "task_id", "id"),
    sa.Index("ix_callbacks_token_id", "token_id", "id"),
    partial_index("ix_callbacks_stray", "token_id", where=STRAY),
    partial_index("ix_callbacks_uncleared", "received_at", "id", where=UNCLEARED),
    sa.Index("ix_callbacks_received", "received_at", "id"),
    *(
        partial_index(name, column, "id", where=rare)
        for name, column, rare in (
            ("ix_callbacks_verdict", "verdict", NOT_ACCEPTED),
            ("ix_callbacks_origin", "origin", NOT_CALLED_BACK),
            ("ix_callbacks_status", "status", NOT_COMPLETED),
        )
    ),
)

tasks = sa.Table(
    "tasks",
    metadata,
    sa.Column("seq", BigId, primary_key=True, autoincrement=True),  # order of arrival, for paging
    sa.Column("id", Text, nullable=False, unique=True),
    sa.Column("source", Text, nullable=False),
    sa.Column("received_at", UtcTime, nullable=False),
    sa.Column("status", Text, nullable=False),
    sa.Column("reason", Text),
    sa.Column("rank", sa.Integer, nullable=False),
    sa.Column("confirmed", sa.Boolean, nullable=False),
    sa.Column("conflict", sa.Boolean, nullable=False),
    sa.Column("token_id", Text),
    sa.Column("model", Text),
    sa.Column("ref", Text),
    sa.Column("tags", sa.JSON, nullable=False),
    sa.Column("prompt", Text),
    sa.Column("parameters", sa.JSON(none_as_null=True)),
    sa.Column("usage", sa.JSON(none_as_null=True)),
    sa.Column("error", sa.JSON(none_as_null=True)),
    sa.Column("created_at", UtcTime),
    sa.Column("deadline", UtcTime),
    sa.Column("settled_at", UtcTime),
    sa.Column("archive_date", sa.Date),
    sa.Column("provider_json", Text),
    sa.Column("callback_rank", sa.Integer, nullable=False, server_default=sa.text("0")),
    sa.Column("expected_images", sa.Integer, nullable=False, server_default=sa.text("0")),
    sa.Column("stranger", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("check_at", UtcTime),
    sa.Column("check_since", UtcTime),
    sa.Column("check_asked", sa.Integer, nullable=False, server_default=sa.text("0")),
    sa.Column("check_missing_since", UtcTime),
    sa.Column("check_linkless_since", UtcTime),
    sa.Column("check_silent_since", UtcTime),
    sa.Column("check_claim", Text),
    sa.Column("check_until", UtcTime),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("sidecar_version", sa.Integer, nullable=False),
    sa.Column("sidecar_claim", Text),
    sa.Column("sidecar_until", UtcTime),
    sa.Column("sidecar_after", UtcTime),  # not before, after storage refused it
    sa.Column("named_by", Text),  # the token whose callback was the first to tell of it, where nobody else had
    sa.Column("named_bytes", sa.Integer, nullable=False, server_default=sa.text("0")),  # bodies that name it so
    sa.Column("submitted_by", Text),  # the name of the key that submitted it through us
    sa.Column("estimate", sa.JSON(none_as_null=True)),  # what it would cost, as reckoned before
    sa.Column("hold_at", UtcTime),  # since when nobody may delete its images
    sa.Column("hold_by", Text),
    sa.Column("hold_reason", Text),
    sa.Index("ix_tasks_status", "status", "seq"),
    sa.Index("ix_tasks_of_ref", "ref", "seq"),
    sa.Index("ix_tasks_model", "model", "seq"),
    sa.Index("ix_tasks_received", "received_at", "seq"),
    partial_index("ix_tasks_source", "source", "seq", where=NOT_EVOLINK),
    partial_index("ix_tasks_held", "seq", where="hold_at IS NOT NULL"),
    partial_index("ix_tasks_unproven", "named_by", "status", "named_bytes", where=UNPROVEN),
    partial_index("ix_tasks_check_at", "check_at", where="check_at IS NOT NULL"),
    partial_index(
        "ix_tasks_check_due", "stranger", "check_asked", "deadline", "check_at", where="check_at IS NOT NULL"
    ),
    partial_index("ix_tasks_sidecar_due", "seq", where="version > sidecar_version AND archive_date IS NOT NULL"),
)

assets = sa.Table(
    "assets",
    metadata,
    sa.Column("seq", BigId, primary_key=True, autoincrement=True),
    sa.Column("task_id", Text, sa.ForeignKey("tasks.id"), nullable=False),
    sa.Column("index", sa.Integer, nullable=False),
    sa.Column("status", Text, nullable=False),
    sa.Column("reason", Text),
    sa.Column("detail", Text),
    sa.Column("links", sa.JSON, nullable=False),
    sa.Column("refused_links", sa.JSON, nullable=False),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("deadline", UtcTime, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("revivals", sa.Integer, nullable=False, server_default=sa.text("0")),
    sa.Column("next_attempt_at", UtcTime),
    sa.Column("object_key", Text),
    sa.Column("sha256", Text),
    sa.Column("bytes", sa.BigInteger),
    sa.Column("format", Text),
    sa.Column("width", sa.Integer),
    sa.Column("height", sa.Integer),
    sa.Column("archived_at", UtcTime),
    sa.Column("host", Text),  # that its first link names; None also until older rows have been gone through
    sa.Column("purged", sa.Boolean, nullable=False),
    sa.Column("claim", Text),
    sa.Column("claimed_until", UtcTime),
    sa.Column("details", sa.JSON(none_as_null=True)),
    sa.Column("details_version", sa.Integer, nullable=False, server_default=sa.text("0")),  # domain.details.Looked
    sa.Column("details_claim", Text),
    sa.Column("details_after", UtcTime),  # not before: somebody is at it, or it did not work out
    *(sa.Column(f"alike_{number}", sa.Integer) for number in range(4)),  # a quarter of the perceptual hash each
    sa.UniqueConstraint("task_id", "index"),
    sa.Index("ix_assets_status", "status", "seq"),
    sa.Index("ix_assets_archived", "archived_at", "seq"),
    partial_index("ix_assets_kept", "archived_at", "seq", where="status = 'archived'"),
    sa.Index("ix_assets_bytes", "bytes", "seq"),
    sa.Index("ix_assets_size", "width", "height", "seq"),
    sa.Index("ix_assets_host", "host", "seq"),
    partial_index("ix_assets_format", "format", "seq", where=NOT_PNG),
    partial_index("ix_assets_pending", "deadline", "next_attempt_at", where="status = 'pending'"),
    partial_index("ix_assets_unseen", "details_version", "details_after", "seq", where=UNSEEN),
    *(
        partial_index(
            f"ix_assets_alike_{first}",
            *(f"alike_{(first + more) % 4}" for more in range(4)),
            where=f"alike_{first} IS NOT NULL",
        )
        for first in range(4)
    ),
    partial_index("ix_assets_to_purge", "seq", where="status = 'deleted' AND NOT purged"),
)

search = sa.Table(  # what tasks are found by; in SQLite its rows are indexed by a virtual table, see `search_index`
    "search",
    metadata,
    sa.Column("seq", BigId, primary_key=True, autoincrement=False),  # the task's
    sa.Column("terms", Terms, nullable=False),
    sa.Index("ix_search_terms", "terms", postgresql_using="gin").ddl_if(dialect="postgresql"),
)

history = sa.Table(
    "history",
    metadata,
    sa.Column("seq", BigId, primary_key=True, autoincrement=True),
    sa.Column("task_id", Text, nullable=False),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("origin", Text, nullable=False),
    sa.Column("status", Text, nullable=False),
    sa.Column("standing", Text, nullable=False),
    sa.Column("effect", Text, nullable=False),
    sa.Column("rank", sa.Integer, nullable=False),
    sa.Column("callback_id", sa.BigInteger),
    sa.Column("note", Text),
    sa.Index("ix_history_task_id", "task_id", "seq"),
)

callback_tokens = sa.Table(
    "callback_tokens",
    metadata,
    sa.Column("seq", BigId, primary_key=True, autoincrement=True),
    sa.Column("id", Text, nullable=False, unique=True),
    sa.Column("source", Text, nullable=False),
    sa.Column("task_id", Text),
    sa.Column("ref", Text),
    sa.Column("tags", sa.JSON, nullable=False),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("expires_at", UtcTime),
    sa.Column("revoked_at", UtcTime),
    partial_index("ix_callback_tokens_revoked", "id", where="revoked_at IS NOT NULL"),
)

signed_links = sa.Table(
    "signed_links",
    metadata,
    sa.Column("seq", BigId, primary_key=True, autoincrement=True),
    sa.Column("id", Text, nullable=False, unique=True),
    sa.Column("task_id", Text, nullable=False),
    sa.Column("index", sa.Integer, nullable=False),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("expires_at", UtcTime),
    sa.Column("revoked_at", UtcTime),
    sa.Index("ix_signed_links_asset", "task_id", "index"),
)

marks = sa.Table(  # moments worth remembering, by name
    "marks",
    metadata,
    sa.Column("name", Text, primary_key=True),
    sa.Column("at", UtcTime, nullable=False),
)

duties = sa.Table(  # what one process at a time does for all
    "duties",
    metadata,
    sa.Column("name", Text, primary_key=True),
    sa.Column("claim", Text, nullable=False),
    sa.Column("until", UtcTime, nullable=False),
)
