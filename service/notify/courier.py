"""Tells others, as leased work: one attempt each, in order for each task, until it is delivered or given up.

An attempt counts once it is written down under the claim. A crash in between has it made again, by the same id: others
are told at least once. No line of the log holds an address beyond its host.
"""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Protocol, assert_never

import structlog

from service.catalog.catalog import Catalog, Transaction
from service.catalog.delivery_filter import Delivery
from service.catalog.events import ClaimedDelivery
from service.domain.announcement import CALLER
from service.domain.attempt import FINAL, Failed
from service.domain.telling import (
    LONGEST_ASKED,
    Delivered,
    DeliveryStatus,
    Outcome,
    Progress,
    Undeliverable,
    Undelivered,
    after_attempt,
)
from service.intake.permanent_link import known_links, permanent_links
from service.notify.letter import Letter, LetterWriter, LinksTo
from service.outbound.guarded_post import GuardedPost, Posted
from service.outbound.retry_after import retry_after

CONNECT_WITHIN, ANSWER_WITHIN = 5.0, 10.0
"""Seconds for a connection, and for all of an attempt."""

_GONE = 410
_ASKS_TO_WAIT = frozenset({429, 503})

log = structlog.get_logger(__name__)


class Tally(Protocol):
    """Counts attempts; `outcome` is `delivered`, `failed` where another one follows, or `dead`."""

    def delivery(self, outcome: str) -> None: ...


_TALLIED: Mapping[DeliveryStatus, tuple[str, str]] = {
    DeliveryStatus.DELIVERED: ("event_delivered", "delivered"),
    DeliveryStatus.PENDING: ("event_failed", "failed"),
    DeliveryStatus.DEAD: ("event_dead", "dead"),
}
"""What an attempt is called by where it leaves a delivery: in the log, and by the tally."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Courier:
    """Makes claimed deliveries; `jitter` gives numbers from 0 to 1.

    Of so many `places` no endpoint gets more than half, so that one which is slow leaves some to the others.
    """

    def __init__(
        self,
        *,
        catalog: Catalog,
        to_endpoints: GuardedPost,
        to_callers: GuardedPost,
        letters: LetterWriter,
        tally: Tally,
        places: int,
        jitter: Callable[[], float],
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._catalog = catalog
        self._to_endpoints = to_endpoints
        self._to_callers = to_callers
        self._letters = letters
        self._tally = tally
        self._most_of_one = max(1, places // 2)
        self._jitter = jitter
        self._now = now
        self._held: dict[tuple[int, str], ClaimedDelivery] = {}  # each delivery that we are at

    async def claim(self, limit: int) -> list[ClaimedDelivery]:
        held = Counter(one.endpoint for one in self._held.values())
        hosts = Counter(one.host for one in self._held.values())
        names, most = self._letters.names, self._most_of_one
        claimed = await self._catalog.write(
            lambda tx: tx.events.claim(limit, names=names, held=held, most=most, hosts=hosts)
        )
        self._held.update({(one.seq, one.claim): one for one in claimed})
        return claimed

    async def release(self, claimed: ClaimedDelivery, *, after: timedelta = timedelta()) -> None:
        """Hand a claim back: it was not an attempt."""
        self._held.pop((claimed.seq, claimed.claim), None)
        await self._catalog.write(lambda tx: tx.events.release(claimed, after=after))

    async def work(self, claimed: ClaimedDelivery) -> None:
        """Make one attempt. Raises Unavailable when our own side is at fault: then nothing counts."""
        started = time.monotonic()
        delivery = await self._catalog.read(lambda tx: tx.events.one(claimed.seq))
        if delivery is None or delivery.status is not DeliveryStatus.PENDING:
            await self.release(claimed)
            return
        outcome = await self._attempt(claimed, delivery)
        progress = await self._catalog.write(partial(_record, claimed=claimed, outcome=outcome, jitter=self._jitter()))
        self._held.pop((claimed.seq, claimed.claim), None)
        self._report(delivery, outcome, progress, time.monotonic() - started)

    async def _attempt(self, claimed: ClaimedDelivery, delivery: Delivery) -> Outcome:
        letter = await self._catalog.read(lambda tx: self._written(tx, delivery, known_links))
        if letter is None:
            letter = await self._catalog.write(lambda tx: self._written(tx, delivery, permanent_links))
        assert letter is not None, "links were made"
        if isinstance(letter, Undeliverable):
            return letter
        out = self._to_callers if claimed.endpoint == CALLER else self._to_endpoints
        posted = await out.post(letter.url, letter.content, headers=letter.headers)
        return outcome_of(posted, endpoint=claimed.endpoint, now=self._now())

    def _written(self, tx: Transaction, delivery: Delivery, links_to: LinksTo) -> Letter | Undeliverable | None:
        return self._letters.write(tx, delivery, links_to=links_to, at=self._now())

    def _report(self, delivery: Delivery, outcome: Outcome, progress: Progress | None, seconds: float) -> None:
        """One canonical line, and the tally."""
        line = log.bind(
            event_id=delivery.event_id,
            type=delivery.kind.value,
            task_id=delivery.task_id,
            endpoint=delivery.endpoint,
            seconds=round(seconds, 3),
        )
        if progress is None:
            line.info("event_outcome_dropped", reason="the claim was lost")
            return
        name, outcome_name = _TALLIED[progress.status]
        self._tally.delivery(outcome_name)
        if isinstance(outcome, Delivered):
            line.info(name, attempt=progress.attempts)
            return
        at = progress.next_attempt_at
        line.warning(
            name,
            attempt=progress.attempts,
            detail=progress.detail,
            next_attempt_at=at.isoformat() if at is not None else None,
        )


def outcome_of(posted: Posted | Failed, *, endpoint: str, now: datetime) -> Outcome:
    """What an answer means: success is any 2xx, and nothing is followed.

    What an operator configured is tried again although the guard refuses it, for that can be mended; nobody mends what
    a client sent along, so nothing more is tried there. An endpoint that calls itself gone is believed at once.
    """
    match posted:
        case Failed():
            return Undelivered(posted.detail, final=endpoint == CALLER and posted.failure in FINAL)
        case Posted():
            if 200 <= posted.status < 300:
                return Delivered()
            asked = posted.retry_after if posted.status in _ASKS_TO_WAIT else None
            return Undelivered(
                f"{posted.host} answered {posted.status}",
                retry_after(asked, now=now, longest=LONGEST_ASKED.total_seconds()),
                final=endpoint != CALLER and posted.status == _GONE,
            )
        case _:
            assert_never(posted)


def _record(tx: Transaction, *, claimed: ClaimedDelivery, outcome: Outcome, jitter: float) -> Progress | None:
    """Write an outcome down if the claim still counts."""
    attempts = tx.events.attempts(claimed)
    if attempts is None:
        return None
    progress = after_attempt(attempts, outcome, endpoint=claimed.endpoint, now=tx.now, jitter=jitter)
    tx.events.record(claimed, progress)
    return progress
