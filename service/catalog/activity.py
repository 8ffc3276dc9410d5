"""What has been going on lately, hour by hour: callbacks that came, and how long images took until they were safe.

Each hour is counted up to a bound, by indexes, so that a busy archive is asked no more than a quiet one.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from service.catalog.tables import assets, callbacks

HOURS = 24
MOST_COUNTED = 10_000
MOST_TIMED = 200
"""Images of an hour, the newest, by which its times are told."""


@dataclass(frozen=True, slots=True)
class Hour:
    """An hour from `begin` on, and how many callbacks came, up to MOST_COUNTED.

    `slowest_seconds` is what 19 of 20 images stayed below; None where nothing was archived.
    """

    begin: datetime
    callbacks: int
    slowest_seconds: float | None


class Activity:
    """Looking back within one read transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def hours(self, now: datetime) -> list[Hour]:
        """The last day, the oldest hour first; the last one is not over."""
        this = now.replace(minute=0, second=0, microsecond=0)
        return [self._hour(this - timedelta(hours=HOURS - 1 - back)) for back in range(HOURS)]

    def _hour(self, begin: datetime) -> Hour:
        end = begin + timedelta(hours=1)
        c, a = callbacks.c, assets.c
        came = self._count(sa.select(c.id).where(c.received_at >= begin, c.received_at < end))
        within = (a.archived_at >= begin, a.archived_at < end)
        newest = sa.select(a.created_at, a.archived_at).where(*within).order_by(a.archived_at.desc()).limit(MOST_TIMED)
        taken = sorted((safe - known).total_seconds() for known, safe in self._connection.execute(newest))
        slowest = max(0.0, taken[int(0.95 * len(taken))]) if taken else None
        return Hour(begin, came, slowest)

    def _count(self, query: sa.Select[int]) -> int:
        bounded = query.limit(MOST_COUNTED).subquery()
        return int(self._connection.execute(sa.select(sa.func.count()).select_from(bounded)).scalar_one())
