"""Leased questions: which tasks are to be asked about, who asks, and whose answer counts."""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from service.catalog.tables import tasks
from service.domain.lease import LEASE, counts


@dataclass(frozen=True, slots=True)
class ClaimedCheck:
    """The right to ask about one task."""

    task_id: str
    claim: str


@dataclass(frozen=True, slots=True)
class Planned:
    """Questions that are to be asked."""

    planned: int
    due: int
    next_at: datetime | None


class Checks:
    """Questions within one transaction; `now` is the database's clock."""

    def __init__(self, connection: sa.Connection, now: datetime, *, locks: bool = True) -> None:
        self._connection = connection
        self._now = now
        self._locks = locks

    def claim(self, limit: int, *, due_by: datetime | None = None, longest_first: bool = False) -> list[ClaimedCheck]:
        """Claim questions that are due, or were by then.

        Tasks that we were told of go before strangers, first questions before later ones, nearest deadlines first, and
        those without one last of all; or simply those that have been due for longest.
        """
        c = tasks.c
        due_by = due_by or self._now
        usual = (c.stranger, c.check_asked, c.deadline)
        if longest_first:
            found = self._due(due_by, limit, (c.check_at, c.stranger, c.check_asked, c.deadline.nulls_last()))
        else:  # in two steps, as the databases disagree on where an index has what is not known
            found = self._due(due_by, limit, usual, c.deadline.is_not(None))
        if not longest_first and len(found) < limit:
            found += self._due(due_by, limit - len(found), usual, c.deadline.is_(None))
        claim = secrets.token_hex(8)
        if found:
            values = {"check_claim": claim, "check_until": self._now + LEASE}
            self._connection.execute(sa.update(tasks).where(c.id.in_(found)).values(values))
        return [ClaimedCheck(task_id, claim) for task_id in found]

    def _due(
        self,
        due_by: datetime,
        limit: int,
        order: Sequence[sa.ColumnElement[Any]],
        *only: sa.ColumnElement[bool],
    ) -> list[str]:
        c = tasks.c
        is_free = sa.or_(c.check_until.is_(None), c.check_until <= self._now)
        due = sa.select(c.id).where(c.check_at <= due_by, is_free, *only).order_by(*order).limit(limit)
        return list(self._connection.execute(due.with_for_update(skip_locked=True)).scalars())

    def held(self, claimed: Iterable[ClaimedCheck]) -> set[str]:
        """The tasks whose question is still ours to answer."""
        by_task = {one.task_id: one.claim for one in claimed}
        query = sa.select(tasks.c.id, tasks.c.check_claim).where(tasks.c.id.in_(list(by_task))).order_by(tasks.c.id)
        held = self._connection.execute(query.with_for_update() if self._locks else query)
        return {task_id for task_id, claim in held if counts(claim, by_task[task_id])}

    def release(self, claimed: Iterable[ClaimedCheck], *, after: timedelta = timedelta()) -> None:
        """Give questions back; `after` keeps everyone off them for a while."""
        values: dict[str, object] = {"check_claim": None, "check_until": self._now + after if after else None}
        for one in _in_order(claimed):
            self._connection.execute(sa.update(tasks).where(_is(one)).values(values))

    def renew(self, claimed: Iterable[ClaimedCheck]) -> None:
        """Prolong the leases of questions that are still being asked."""
        for one in _in_order(claimed):
            self._connection.execute(sa.update(tasks).where(_is(one)).values(check_until=self._now + LEASE))

    def end_silence(self) -> int:
        """Make all due that met silence, as if never asked: the provider answers again. Returns how many."""
        c = tasks.c
        waiting = sa.and_(c.check_at.is_not(None), c.check_silent_since.is_not(None), c.check_at > self._now)
        return self._connection.execute(
            sa.update(tasks).where(waiting).values(check_at=self._now, check_asked=0)
        ).rowcount

    def waiting(self, *, due_by: datetime | None = None) -> Planned:
        """How many questions are planned, how many of them are due or were by then, and when the next one is."""
        c = tasks.c
        is_due = sa.case((c.check_at <= (due_by or self._now), 1))
        counts = sa.select(sa.func.count(), sa.func.count(is_due), sa.func.min(c.check_at))
        planned, due, next_at = self._connection.execute(counts.where(c.check_at.is_not(None))).one()
        return Planned(planned, due, next_at)

    def hasten(self, latest: datetime) -> None:
        """Have tasks that were never asked about asked by then: they may be from a time without a key."""
        c = tasks.c
        never_asked = sa.and_(c.check_at > latest, c.check_asked == 0)
        self._connection.execute(sa.update(tasks).where(never_asked).values(check_at=latest))

    def clear(self) -> None:
        """Forget every claim: right only while no other server can be alive (SQLite at start)."""
        c = tasks.c
        claimed = sa.and_(c.check_at.is_not(None), c.check_claim.is_not(None))  # nothing else is claimed, by an index
        self._connection.execute(sa.update(tasks).where(claimed).values(check_claim=None, check_until=None))


def _in_order(claimed: Iterable[ClaimedCheck]) -> list[ClaimedCheck]:
    """Whoever locks several tasks does so in this order."""
    return sorted(claimed, key=lambda one: one.task_id)


def _is(claimed: ClaimedCheck) -> sa.ColumnElement[bool]:
    return sa.and_(tasks.c.id == claimed.task_id, tasks.c.check_claim == claimed.claim)
