"""Due times, leases and patiences of all that waits, mended after the clock was set; which ones, others decide."""

from datetime import datetime

import sqlalchemy as sa

from service.catalog.columns import UtcTime
from service.catalog.tables import assets, tasks
from service.domain.lease import LEASE

_PATIENCES = (
    tasks.c.check_since,
    tasks.c.check_missing_since,
    tasks.c.check_linkless_since,
    tasks.c.check_silent_since,
)


class Waits:
    """Mending within one transaction; `now` is the database's clock."""

    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def pull_in(self, latest: datetime, *, checks: datetime | None = None) -> int:
        """Have due at once what is due later than that, or than `checks` for questions. Returns how many rows changed.

        Leases that go on for longer end as a new one would: where the holder lives, it renews them in time. Patiences
        that begin in the future begin now.
        """
        a, t, lease = assets.c, tasks.c, self._now + LEASE
        changed = self._limit(assets, a.status == "pending", latest, {a.next_attempt_at: self._now})
        changed += self._limit(assets, a.status == "pending", latest, {a.claimed_until: lease})
        changed += self._limit(tasks, t.check_at.is_not(None), checks or latest, {t.check_at: self._now})
        changed += self._limit(tasks, t.check_at.is_not(None), latest, {t.check_until: lease})
        behind = sa.and_(t.version > t.sidecar_version, t.archive_date.is_not(None))
        changed += self._limit(tasks, behind, latest, {t.sidecar_after: self._now})
        changed += self._limit(tasks, behind, latest, {t.sidecar_until: lease})
        for patience in _PATIENCES:
            self._limit(tasks, t.check_at.is_not(None), self._now, {patience: self._now})
        return changed

    def begin_patience_anew(self) -> int:
        """Let every patience that runs begin now. Returns how many tasks have one."""
        anew = {one: sa.case((one.is_not(None), sa.literal(self._now, UtcTime()))) for one in _PATIENCES}
        running = sa.and_(tasks.c.check_at.is_not(None), tasks.c.check_since.is_not(None))
        return self._connection.execute(sa.update(tasks).where(running).values(anew)).rowcount

    def _limit(
        self,
        table: sa.Table,
        of: sa.ColumnElement[bool],
        latest: datetime,
        to: dict[sa.Column[datetime | None], datetime],
    ) -> int:
        [(column, value)] = to.items()
        return self._connection.execute(sa.update(table).where(of, column > latest).values({column: value})).rowcount
