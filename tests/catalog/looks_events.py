"""Questions about events, as they are asked of a million images of which others are told."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from service.catalog.catalog import Transaction
from service.catalog.delivery_filter import DeliveryFilter
from service.catalog.events import ClaimedDelivery
from service.catalog.tokens import SignedLink
from service.domain.announcement import CALLER, Announcement, EventKind
from service.domain.telling import DeliveryStatus, Progress
from tests.catalog.million import ENDED, task_id

TOLD = 100_000
"""Of the tasks that have ended, the latest, whose events are kept."""

WAITING = 1_000
"""Of those, the latest, of which one endpoint has not heard yet: it was away."""

WHO = ("audit", "shop", CALLER)
END = datetime(2026, 10, 31, tzinfo=UTC)
PAGE = 50
OLD, LATEST = task_id(ENDED - TOLD + 1000), task_id(ENDED - 10)
DELIVERIES = 4 * TOLD
CLAIMED = ClaimedDelivery(DELIVERIES - 77, LATEST, "shop", "claim")

_AT = "timestamptz '2024-11-01' + n * interval '126 seconds'"
_NUMBERS = f"generate_series({ENDED - TOLD + 1}, {ENDED})"
_TASK = "'task-unified-' || lpad(n::text, 8, '0')"

_EVENTS = f"""
INSERT INTO events (id, kind, task_id, index, at, data)
SELECT 'evt_' || md5(n || '.' || step),
    CASE WHEN step = 2 THEN 'task.settled' WHEN (2 * n + step) % 1499 = 0 THEN 'asset.dead' ELSE 'asset.archived' END,
    {_TASK}, CASE WHEN step < 2 THEN step END, {_AT}, repeat('{{"task": "and so on"}} ', 20)
FROM {_NUMBERS} AS n, generate_series(0, 2) AS step ORDER BY n, step
"""

_DELIVERIES = f"""
INSERT INTO deliveries (event_seq, task_id, endpoint, status, attempts, next_attempt_at, ended_at, detail)
SELECT seq, task_id, endpoint, status, 1,
    CASE WHEN status = 'pending' AND (endpoint = 'audit' OR index = 0) THEN at + (seq % 3600) * interval '1 second' END,
    CASE WHEN status <> 'pending' THEN at + interval '2 seconds' END,
    CASE WHEN status = 'dead' THEN 'shop.example.com answered 500' END
FROM (SELECT e.seq, e.task_id, e.index, e.at, endpoint,
    CASE WHEN e.seq % 499 = 0 THEN 'dead'
    WHEN endpoint = 'shop' AND e.task_id > '{task_id(ENDED - WAITING)}' THEN 'pending'
    WHEN endpoint = 'audit' AND e.task_id > '{task_id(ENDED - 5)}' THEN 'pending' ELSE 'delivered' END AS status
    FROM events AS e JOIN (VALUES ('audit'), ('shop')) AS to_whom (endpoint)
    ON endpoint = 'shop' OR e.kind = 'task.settled') AS rows
ORDER BY seq, endpoint
"""

FILLS: Mapping[str, str] = {"events": _EVENTS, "deliveries": _DELIVERIES}

Look = Callable[[Transaction], object]


def _known() -> Announcement:
    """One that is kept: what refers to a new one cannot be asked again, as that has another number then."""
    digest = hashlib.md5(f"{ENDED - 10}.2".encode()).hexdigest()
    return Announcement(f"evt_{digest}", EventKind.TASK_SETTLED, LATEST, None, END)


def writes() -> Iterator[tuple[str, Look]]:
    yield "events.add", lambda tx: tx.events.add(_known(), "{}", ("audit", "shop"))
    yield "events.add_missing", lambda tx: tx.events.add_missing(_known(), CALLER)
    yield "events.give_up", lambda tx: tx.events.give_up("shop", "nobody knows it", limit=100)
    yield "events.claim", lambda tx: tx.events.claim(16, names=WHO, held={"shop": 2}, most=8, hosts={})
    yield "events.attempts", lambda tx: tx.events.attempts(CLAIMED)
    yield "events.record", lambda tx: tx.events.record(CLAIMED, Progress(DeliveryStatus.DELIVERED, 1))
    yield "events.release", lambda tx: tx.events.release(CLAIMED, after=timedelta(seconds=5))
    yield "events.renew", lambda tx: tx.events.renew([CLAIMED])
    yield "events.clear_leases", lambda tx: tx.events.clear_leases()
    yield "events.pull_in", lambda tx: tx.events.pull_in(END + timedelta(days=2))
    yield "events.again", lambda tx: tx.events.again([499, 998, 1497], DeliveryStatus.DEAD)
    yield "events.forget", lambda tx: tx.events.forget(END - timedelta(days=60), limit=200)
    links = [SignedLink("link-77", OLD, 0, END), SignedLink("link-new", OLD, 1, END)]
    yield "tokens.add_links", lambda tx: tx.tokens.add_links(links)


def reads() -> Iterator[tuple[str, Look]]:
    yield "events.known", lambda tx: tx.events.known(["evt_new", "evt_other"])
    yield "events.one", lambda tx: tx.events.one(DELIVERIES - 77)
    yield "events.waiting", lambda tx: tx.events.waiting()
    yield "events.waiting_endpoints", lambda tx: tx.events.waiting_endpoints()
    yield "tokens.links", lambda tx: tx.tokens.links(["link-77", "link-none"])
    for name, wanted in _filters():
        for where, after in (("first", None), ("middle", DELIVERIES // 2), ("end", 500)):
            yield f"events.page {name} {where}", _page(wanted, after)
        replayed = replace(wanted, status=wanted.status or DeliveryStatus.DEAD)
        yield f"events.span {name}", _span(replayed)
        yield f"events.matching {name}", _matching(replayed)


def _filters() -> Iterator[tuple[str, DeliveryFilter]]:
    dead, pending, delivered = (
        DeliveryFilter(status=one) for one in (DeliveryStatus.DEAD, DeliveryStatus.PENDING, DeliveryStatus.DELIVERED)
    )
    yield "all", DeliveryFilter()
    yield "dead", dead
    yield "pending", pending
    yield "delivered", delivered
    yield "of a task", DeliveryFilter(task_id=OLD)
    yield "of a task to one", DeliveryFilter(status=DeliveryStatus.DELIVERED, task_id=OLD, endpoint="shop")
    yield "to one", DeliveryFilter(endpoint="audit")
    yield "to one of a kind", DeliveryFilter(endpoint="audit", kind=EventKind.TASK_SETTLED)
    yield "to nobody", DeliveryFilter(endpoint="none")
    yield "delivered to nobody", DeliveryFilter(status=DeliveryStatus.DELIVERED, endpoint="none")
    yield "by number", DeliveryFilter(ids=(77, 78, DELIVERIES - 1))
    for kind in EventKind:
        yield f"{kind}", DeliveryFilter(kind=kind)
        yield f"delivered {kind}", DeliveryFilter(status=DeliveryStatus.DELIVERED, kind=kind)
        yield f"dead {kind}", DeliveryFilter(status=DeliveryStatus.DEAD, kind=kind)


def _page(wanted: DeliveryFilter, after: int | None) -> Look:
    return lambda tx: tx.events.page(wanted, after=after, limit=PAGE)


def _span(wanted: DeliveryFilter) -> Look:
    return lambda tx: tx.events.span(wanted)


def _matching(wanted: DeliveryFilter) -> Look:
    return lambda tx: tx.events.matching(wanted, after=DELIVERIES // 2, last=DELIVERIES)
