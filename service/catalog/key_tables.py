"""The tables of keys that were made here, and of who changed what."""

import sqlalchemy as sa

from service.catalog.columns import BigId, Text, UtcTime, metadata

api_keys = sa.Table(
    "api_keys",
    metadata,
    sa.Column("seq", BigId, primary_key=True, autoincrement=True),
    sa.Column("id", Text, nullable=False, unique=True),
    sa.Column("name", Text, nullable=False),
    sa.Column("held_name", Text, unique=True),  # the name, for as long as no other key may take it
    sa.Column("sha256", Text, nullable=False, unique=True),
    sa.Column("scopes", sa.JSON, nullable=False),
    sa.Column("note", Text),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("created_by", Text, nullable=False),
    sa.Column("replaces", Text),  # the key that had the name before
    sa.Column("last_used_at", UtcTime),
    sa.Column("expires_at", UtcTime),
    sa.Column("revoked_at", UtcTime),
    sa.Column("ends_at", UtcTime),  # whichever of the two comes first
    sa.Index("ix_api_keys_ends_at", "ends_at"),
)

audit = sa.Table(
    "audit",
    metadata,
    sa.Column("seq", BigId, primary_key=True, autoincrement=True),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("actor_id", Text, nullable=False),
    sa.Column("actor_name", Text, nullable=False),
    sa.Column("action", Text, nullable=False),
    sa.Column("subject", Text),
    sa.Column("request_id", Text),
    sa.Column("address", Text),
    sa.Column("detail", sa.JSON, nullable=False),
    sa.Index("ix_audit_at", "at", "seq"),
    sa.Index("ix_audit_actor_id", "actor_id", "at", "seq"),
    sa.Index("ix_audit_actor_name", "actor_name", "at", "seq"),
    sa.Index("ix_audit_action", "action", "at", "seq"),
    sa.Index("ix_audit_subject", "subject", "at", "seq"),
)
