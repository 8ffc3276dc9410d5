"""How others are told: what an attempt came to, when the next one is due, and whose turn it is. Pure.

Times are aware UTC datetimes, passed in.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import assert_never

from service.domain.announcement import CALLER
from service.domain.retry import JITTER

LADDER = tuple(timedelta(seconds=s) for s in (5, 5 * 60, 30 * 60, *(h * 3600 for h in (2, 5, 10, 14, 20, 24))))
"""Waits after the first failed attempt at an endpoint, the second, …; after the last one it is dead."""

CALLERS_LADDER = tuple(timedelta(seconds=s) for s in (1, 2, 4, 60, 600, 3600, 6 * 3600, 24 * 3600))
"""The same for a client's own URL: as the provider would have called it, and then some more."""

LONGEST_WAIT = max(*LADDER, *CALLERS_LADDER) * (1 + JITTER)
LONGEST_ASKED = timedelta(hours=1)
"""However long an endpoint asks to be left alone."""

LONGEST_DETAIL = 200

MOST_OF_A_HOST = 2
"""Calls to clients that are made to one host at once: one that never answers leaves the others their places."""


class DeliveryStatus(StrEnum):
    """How far one endpoint's being told of one event has come; part of the public contract."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Delivered:
    """The endpoint has answered with success."""


@dataclass(frozen=True, slots=True)
class Undelivered:
    """It has not: `detail` says why; `retry_after` are seconds that it asked for, `final` forbids another attempt."""

    detail: str
    retry_after: float | None = None
    final: bool = False


@dataclass(frozen=True, slots=True)
class Undeliverable:
    """Nothing was tried, as there is nowhere to send it to; `detail` says why."""

    detail: str


Outcome = Delivered | Undelivered | Undeliverable


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a delivery stands after an attempt; `next_attempt_at` is None when there will be none."""

    status: DeliveryStatus
    attempts: int
    next_attempt_at: datetime | None = None
    detail: str | None = None


def after_attempt(attempts: int, outcome: Outcome, *, endpoint: str, now: datetime, jitter: float) -> Progress:
    """Where a delivery stands that had so many attempts before; `jitter` from 0 to 1 spreads the wait by ± 20 %."""
    match outcome:
        case Delivered():
            return Progress(DeliveryStatus.DELIVERED, attempts + 1)
        case Undeliverable(detail):
            return Progress(DeliveryStatus.DEAD, attempts, detail=detail[:LONGEST_DETAIL])
        case Undelivered(detail):
            at = None if outcome.final else _next(attempts, endpoint, outcome.retry_after, now, jitter)
            status = DeliveryStatus.DEAD if at is None else DeliveryStatus.PENDING
            return Progress(status, attempts + 1, at, detail[:LONGEST_DETAIL])
        case _:
            assert_never(outcome)


def _next(failed_before: int, endpoint: str, asked: float | None, now: datetime, jitter: float) -> datetime | None:
    ladder = CALLERS_LADDER if endpoint == CALLER else LADDER
    if failed_before >= len(ladder):
        return None
    wait = ladder[failed_before] * (1 + JITTER * (2 * jitter - 1))
    return now + max(wait, min(timedelta(seconds=asked or 0), LONGEST_ASKED))


def within_hosts(hosts: Sequence[str], held: Mapping[str, int], *, places: int) -> list[int]:
    """Which of these, by their place, are begun in so many places, so that no host has more than its share.

    `held` is how many of each host there are already; a host that is not known ("") stands for nobody.
    """
    begun, chosen = Counter(held), list[int]()
    for place, host in enumerate(hosts):
        if len(chosen) < places and (not host or begun[host] < MOST_OF_A_HOST):
            begun[host] += 1
            chosen.append(place)
    return chosen


def share_out(waiting: Mapping[str, int], held: Mapping[str, int], *, places: int) -> dict[str, int]:
    """How many of each endpoint's `waiting` deliveries are begun in so many free places.

    A place goes to whoever has the fewest, with those that are `held` already.
    """
    begun = dict.fromkeys(waiting, 0)
    for _ in range(places):
        has = {name: held.get(name, 0) + begun[name] for name, number in waiting.items() if begun[name] < number}
        if not has:
            break
        begun[min(has, key=lambda name: (has[name], name))] += 1
    return begun
