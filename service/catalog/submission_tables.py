"""The tables of what was submitted through us, what it costs, and whom we tell of it. Amounts are nano US dollars."""

import sqlalchemy as sa

from service.catalog.columns import BigId, Text, UtcTime, metadata, partial_index

OPEN_SUBMISSION = "status IN ('sending', 'unclear', 'found')"
PENDING_DELIVERY = "status = 'pending'"
DELIVERED = "status = 'delivered'"
"""What partial indexes hold; a query uses one only when it says the same in the same words."""

submissions = sa.Table(
    "submissions",
    metadata,
    sa.Column("seq", BigId, primary_key=True, autoincrement=True),
    sa.Column("id", Text, nullable=False, unique=True),
    sa.Column("source", Text, nullable=False),
    sa.Column("key_name", Text, nullable=False),
    sa.Column("idempotency_key", Text),
    sa.Column("fingerprint", Text, nullable=False),  # of what was asked for: the same again is the same request
    sa.Column("request", sa.LargeBinary, nullable=False),  # JSON, as it is sent but for the callback URL
    sa.Column("model", Text, nullable=False),
    sa.Column("token_id", Text),  # of the callback URL that it is sent with
    sa.Column("callback_url", Text),  # the client's own
    sa.Column("ref", Text),
    sa.Column("tags", sa.JSON, nullable=False),
    sa.Column("status", Text, nullable=False),
    sa.Column("detail", Text),
    sa.Column("task_id", Text),
    sa.Column("answer_status", sa.Integer),
    sa.Column("answer", sa.LargeBinary),  # the provider's, as it came
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("kept_at", UtcTime, nullable=False),
    sa.Column("sent_at", UtcTime, nullable=False),
    sa.Column("ended_at", UtcTime),
    sa.Column("look_at", UtcTime),  # when to look next for a task whose answer was lost
    sa.Column("estimate", sa.JSON(none_as_null=True)),
    sa.Column("subjects", sa.JSON, nullable=False),  # whose budgets it counts against
    sa.Column("day", sa.Date, nullable=False),
    sa.Column("reserved", sa.BigInteger, nullable=False),  # 0 once it is charged or given back
    sa.Column("claim", Text),
    sa.Column("claimed_until", UtcTime),
    sa.UniqueConstraint("key_name", "idempotency_key"),
    sa.Index("ix_submissions_task_id", "task_id"),
    sa.Index("ix_submissions_token_id", "token_id"),
    sa.Index("ix_submissions_status", "status", "seq"),
    partial_index("ix_submissions_open", "status", "seq", where=OPEN_SUBMISSION),
)

charges = sa.Table(  # what a task cost, as it was added up
    "charges",
    metadata,
    sa.Column("task_id", Text, primary_key=True),
    sa.Column("day", sa.Date, nullable=False),
    sa.Column("subjects", sa.JSON, nullable=False),
    sa.Column("charged", sa.BigInteger, nullable=False),
    sa.Column("images", sa.Integer, nullable=False),
)

spending = sa.Table(  # sums by day and by what is counted: all, key:NAME, model:NAME, tag:NAME=VALUE
    "spending",
    metadata,
    sa.Column("seq", BigId, primary_key=True, autoincrement=True),
    sa.Column("subject", Text, nullable=False),
    sa.Column("day", sa.Date, nullable=False),
    sa.Column("reserved", sa.BigInteger, nullable=False),
    sa.Column("charged", sa.BigInteger, nullable=False),
    sa.Column("tasks", sa.Integer, nullable=False),
    sa.Column("images", sa.Integer, nullable=False),
    sa.UniqueConstraint("subject", "day"),
    sa.Index("ix_spending_day", "day", "subject"),
)

events = sa.Table(
    "events",
    metadata,
    sa.Column("seq", BigId, primary_key=True, autoincrement=True),
    sa.Column("id", Text, nullable=False, unique=True),  # follows from what happened: the same again is the same event
    sa.Column("kind", Text, nullable=False),
    sa.Column("task_id", Text, nullable=False),
    sa.Column("index", sa.Integer),
    sa.Column("at", UtcTime, nullable=False),  # when it happened
    sa.Column("data", Text, nullable=False),  # JSON, without signed links
    sa.Index("ix_events_task_id", "task_id", "seq"),
    sa.Index("ix_events_kind", "kind", "seq"),
)

deliveries = sa.Table(
    "deliveries",
    metadata,
    sa.Column("seq", BigId, primary_key=True, autoincrement=True),
    sa.Column("event_seq", BigId, sa.ForeignKey("events.seq"), nullable=False),
    sa.Column("task_id", Text, nullable=False),
    sa.Column("endpoint", Text, nullable=False),
    sa.Column("status", Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("next_attempt_at", UtcTime),
    sa.Column("detail", Text),  # why the last attempt failed
    sa.Column("ended_at", UtcTime),
    sa.Column("claim", Text),
    sa.Column("claimed_until", UtcTime),
    sa.UniqueConstraint("event_seq", "endpoint"),
    sa.Index("ix_deliveries_status", "status", "seq"),
    sa.Index("ix_deliveries_endpoint", "endpoint", "seq"),
    sa.Index("ix_deliveries_endpoint_status", "endpoint", "status", "seq"),
    partial_index("ix_deliveries_due", "endpoint", "next_attempt_at", where=PENDING_DELIVERY),
    partial_index("ix_deliveries_ended", "ended_at", where=DELIVERED),
    partial_index("ix_deliveries_in_order", "task_id", "endpoint", "event_seq", where=PENDING_DELIVERY),
)
