"""Every question about keys and the trail: four years of keys of a day each, and as many changes as tasks."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta

from service.catalog.catalog import Transaction
from service.catalog.keys import KeptKey
from service.domain.api_key import ApiKey, Scope
from service.domain.audit import Action
from tests.catalog.million import TASKS

KEYS = 200_000
LIVING = 200
"""Of them, the latest."""

_AT = "timestamptz '2024-11-01' + n * interval '126 seconds'"

_KEYS = f"""
INSERT INTO api_keys (id, name, held_name, sha256, scopes, created_at, created_by, expires_at, ends_at)
SELECT 'key-' || n, 'name-' || n % 500, CASE WHEN n > {KEYS - LIVING} THEN 'name-' || n % 500 END, md5(n::text),
    '["read"]', at, 'admin', at + interval '1 day',
    CASE WHEN n > {KEYS - LIVING} AND n % 2 = 0 THEN NULL WHEN n > {KEYS - LIVING} THEN now() + interval '1 day'
    ELSE at + interval '1 day' END
FROM (SELECT n, timestamptz '2020-11-01' + n * interval '12 minutes' AS at FROM generate_series(1, {KEYS}) AS n) AS rows
"""
_AUDIT = f"""
INSERT INTO audit (at, actor_id, actor_name, action, subject, address, detail)
SELECT {_AT}, 'key-' || n % 50, 'name-' || n % 50,
    CASE WHEN n % 10007 = 0 THEN 'key.created' ELSE 'submission.made' END,
    'sub-' || n, '192.0.2.' || n % 250, '{{"model": "gpt-image-2"}}'
FROM generate_series(1, {TASKS}) AS n
"""
FILLS: Mapping[str, str] = {"api_keys": _KEYS, "audit": _AUDIT}

NOW = datetime(2026, 11, 1, tzinfo=UTC)
NEW = KeptKey(ApiKey("key-new", "new", "0" * 64, frozenset({Scope.READ})), NOW, "admin")
PAGE = 50

Look = Callable[[Transaction], object]


def writes() -> Iterator[tuple[str, Look]]:
    yield "keys.add", lambda tx: tx.keys.add(NEW)
    yield "keys.save_end", lambda tx: tx.keys.save_end(NEW)
    yield "keys.living", lambda tx: tx.keys.living()
    yield "keys.used", lambda tx: tx.keys.used({"key-7": NOW, "key-77": NOW})
    yield "keys.forget", lambda tx: tx.keys.forget(NOW - timedelta(days=1800), limit=200)
    yield "audit.note", lambda tx: tx.audit.note(Action.TASK_TOLD, "task-new")
    yield "audit.forget", lambda tx: tx.audit.forget(NOW - timedelta(days=365), limit=200)


def reads() -> Iterator[tuple[str, Look]]:
    yield "keys.get", lambda tx: tx.keys.get("key-7")
    yield "keys.known", lambda tx: tx.keys.known(since=tx.now - timedelta(days=1), limit=500)
    yield "keys.page", lambda tx: tx.keys.page(after=None, limit=PAGE)
    yield "keys.page further", lambda tx: tx.keys.page(after=9000, limit=PAGE)
    day = NOW - timedelta(days=400)
    for only in ({}, {"actor": "name-7"}, {"key_id": "key-7"}, {"action": "key.created"}, {"subject": "sub-77"}):
        told = " ".join(f"{name}={value}" for name, value in only.items()) or "all"
        yield f"audit.page {told}", _listed(only, None)
        yield f"audit.page {told} further", _listed(only, TASKS // 2)
        yield f"audit.page {told} of a day", _listed(only, None, day)


def _listed(only: Mapping[str, str], after: int | None, day: datetime | None = None) -> Look:
    until = day + timedelta(days=1) if day is not None else None
    return lambda tx: tx.audit.page(filters=only, after=after, limit=PAGE, since=day, until=until)
