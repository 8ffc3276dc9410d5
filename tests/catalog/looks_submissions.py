"""Every question about submissions that the service asks of its catalog, and as many of them as there are tasks."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime

from service.catalog.catalog import Transaction
from service.domain.submission import Submission
from tests.catalog.million import TASKS, TOKENS, task_id

OPEN = 40
"""Submissions that are on their way or may have arrived: the latest."""

_AT = "timestamptz '2024-11-01' + n * interval '126 seconds'"

_SUBMISSIONS = f"""
INSERT INTO submissions (id, source, key_name, idempotency_key, fingerprint, request, model, token_id, tags, status,
    task_id, answer_status, answer, attempts, kept_at, sent_at, ended_at, look_at, subjects, day, reserved,
    claimed_until)
SELECT 'sub-' || n, 'evolink', 'key-' || n % 5, CASE WHEN n % 3 = 0 THEN 'order-' || n END, md5(n::text),
    decode(repeat('7b7d20', 60), 'hex'), (ARRAY['gpt-image-2', 'gpt-image-2-beta'])[1 + n % 2], 'tok-' || n % {TOKENS},
    '{{}}', CASE WHEN n > {TASKS - OPEN} THEN (ARRAY['sending', 'unclear', 'found'])[1 + n % 3]
    WHEN n % 50 = 0 THEN 'refused' WHEN n % 997 = 0 THEN 'unsent' ELSE 'taken' END,
    CASE WHEN n <= {TASKS - OPEN} AND n % 50 <> 0 THEN 'task-unified-' || lpad(n::text, 8, '0') END, 200,
    decode(repeat('7b7d20', 60), 'hex'), 1, {_AT}, {_AT}, {_AT}, CASE WHEN n > {TASKS - OPEN} THEN {_AT} END,
    '["all"]', ({_AT})::date, 0, CASE WHEN n > {TASKS - OPEN} THEN {_AT} END
FROM generate_series(1, {TASKS}) AS n
"""

FILLS: Mapping[str, str] = {"submissions": _SUBMISSIONS}

OLD, LATEST = task_id(1001), task_id(TASKS - 77)
NOW = datetime(2026, 11, 1, tzinfo=UTC)
NEW = Submission("sub-new", "evolink", "key-1", "f", b"{}", "gpt-image-2", NOW, date(2026, 11, 1), NOW)

Look = Callable[[Transaction], object]


def writes() -> Iterator[tuple[str, Look]]:
    yield "submissions.add", lambda tx: tx.submissions.add(NEW, claim="claim")
    yield "submissions.save", lambda tx: tx.submissions.save(NEW)
    yield "submissions.forget_claims", lambda tx: tx.submissions.forget_claims()
    yield "submissions.settle_reservation", lambda tx: tx.submissions.settle_reservation(LATEST)
    yield "submissions.of_token", lambda tx: tx.submissions.of_token("tok-1")
    yield "submissions.pull_in", lambda tx: tx.submissions.pull_in(NOW)
    yield "submissions.lapsed", lambda tx: tx.submissions.lapsed(100)
    yield "submissions.due", lambda tx: tx.submissions.due(100)
    yield "submissions.unresolved", lambda tx: tx.submissions.unresolved(100)


def reads() -> Iterator[tuple[str, Look]]:
    yield "submissions.get", lambda tx: tx.submissions.get("sub-77")
    yield "submissions.of_task", lambda tx: tx.submissions.of_task(OLD)
    yield "submissions.callback_url_of", lambda tx: tx.submissions.callback_url_of(OLD)
    yield "submissions.under_key", lambda tx: tx.submissions.under_key("key-1", "order-3")
    yield "submissions.orphan", lambda tx: tx.submissions.orphan("key-1", "f", since=NOW)
    yield "submissions.unclear", lambda tx: tx.submissions.unclear()
    yield "submissions.any_to_find", lambda tx: tx.submissions.any_to_find()
    yield "submissions.heard_of", lambda tx: tx.submissions.heard_of(["tok-1", "tok-2"])
    yield "submissions.called_back", lambda tx: tx.submissions.called_back(["tok-1", "tok-2"])
    yield "submissions.claims", lambda tx: tx.submissions.claims([OLD, LATEST])
    for status in ("taken", "unsent", "unclear", "lost"):
        yield f"submissions.page status={status}", _page(status=status)
    yield "submissions.page key_name", _page(key_name="key-1")
    yield "submissions.page task_id", _page(task_id=OLD)
    yield "submissions.page first", _page()
    yield "submissions.page later", _page(TASKS // 2, status="unsent")


def _page(after: int | None = None, **filters: str) -> Look:
    return lambda tx: tx.submissions.page(filters=filters, after=after, limit=50)
