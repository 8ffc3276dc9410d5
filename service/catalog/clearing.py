"""Removing raw bodies and headers whose time is over; what came, when and from whom stays."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from service.catalog.tables import UNCLEARED, callbacks, tasks
from service.domain.callback import Verdict


@dataclass(frozen=True, slots=True)
class Place:
    """How far a pass has come, in order of receipt."""

    received_at: datetime
    id: int


@dataclass(frozen=True, slots=True)
class Cleared:
    """How many callbacks were cleared, and where to go on; None at the end."""

    number: int
    next: Place | None


class Clearing:
    """Clearing within one transaction; `now` is the database's clock."""

    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def clear(self, before: datetime, *, limit: int, after: Place | None = None) -> Cleared:
        """Look at the next callbacks that came before then, and clear those whose task had settled by then.

        Unreadable and foreign ones, and those of no task, wait for nothing.
        """
        c, t = callbacks.c, tasks.c
        is_over = sa.or_(c.verdict != Verdict.ACCEPTED.value, t.id.is_(None), t.settled_at < before)
        query = (
            sa.select(c.id, c.received_at, is_over)
            .outerjoin(tasks, t.id == c.task_id)
            .where(sa.text(UNCLEARED), c.received_at < before)
            .order_by(c.received_at, c.id)
            .limit(limit)
        )
        if after is not None:
            later = sa.or_(c.received_at > after.received_at, c.id > after.id)
            query = query.where(c.received_at >= after.received_at, later)
        rows = self._connection.execute(query).all()
        ids = [row_id for row_id, _, over in rows if over]
        if ids:
            values: dict[str, object] = {"body": None, "headers": {}, "cleared_at": self._now}
            self._connection.execute(sa.update(callbacks).where(c.id.in_(ids)).values(values))
        full = len(rows) == limit
        return Cleared(len(ids), Place(rows[-1][1], rows[-1][0]) if full else None)
