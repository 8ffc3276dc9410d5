"""Rows made anew from what was kept elsewhere, and put into the order in which things once happened."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from service.catalog.marks import SEARCH_FILLED, Marks
from service.catalog.search_index import SearchIndex
from service.catalog.tables import assets, callbacks, history, tasks
from service.domain.object_key import folder


@dataclass(frozen=True, slots=True)
class Remembered:
    """A callback of which all but the body and its headers is known; `size` in bytes."""

    source: str
    task_id: str
    origin: str
    body_sha256: str
    verdict: str
    received_at: datetime
    token_id: str | None = None
    status: str | None = None
    deliveries: int = 1
    size: int = 0


class Restore:
    """Restoring within one transaction, while no server runs."""

    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def any_task(self) -> bool:
        return self._connection.execute(sa.select(tasks.c.seq).limit(1)).first() is not None

    def known(self, task_ids: Collection[str]) -> dict[str, str | None]:
        """Those of the tasks that are there, and their folders."""
        c = tasks.c
        found = self._connection.execute(sa.select(c.id, c.source, c.archive_date).where(c.id.in_(task_ids)))
        return {task_id: folder(source, day, task_id) if day else None for task_id, source, day in found}

    def callbacks(self, remembered: Sequence[Remembered]) -> dict[tuple[str, str], int]:
        """Put callbacks of tasks into the inbox; returns the ids of all by task and hash of the body."""
        wanted = sorted({one.task_id for one in remembered})
        there = self._callback_ids(wanted)
        new = [one for one in remembered if (one.task_id, one.body_sha256) not in there]
        if not new:
            return there
        self._connection.execute(sa.insert(callbacks), [_values(one, self._now) for one in new])
        return self._callback_ids(wanted)

    def order(self) -> None:
        """Number rows by when things happened, as lists are sorted by number; whatever refers to a number follows."""
        gone = history.c.callback_id.not_in(sa.select(callbacks.c.id))
        self._connection.execute(sa.update(history).where(gone).values(callback_id=None))
        self._number(tasks.c.seq, (tasks.c.received_at, tasks.c.id))
        self._number(assets.c.seq, (assets.c.created_at, assets.c.task_id, assets.c.index))
        SearchIndex(self._connection).clear()
        Marks(self._connection).remove(SEARCH_FILLED)
        self._number(callbacks.c.id, (callbacks.c.received_at, callbacks.c.id), referred=history.c.callback_id)

    def _callback_ids(self, task_ids: Collection[str]) -> dict[tuple[str, str], int]:
        c = callbacks.c
        found = self._connection.execute(sa.select(c.task_id, c.body_sha256, c.id).where(c.task_id.in_(task_ids)))
        return {(task_id, body_sha256): callback_id for task_id, body_sha256, callback_id in found}

    def _number(
        self,
        number: sa.Column[int],
        order: Sequence[sa.Column[object]],
        *,
        referred: sa.Column[int] | None = None,
    ) -> None:
        """Renumber from 1 on. By way of negative numbers, so that no two rows ever have the same."""
        rank = sa.func.row_number().over(order_by=order).label("rank")
        ranked = sa.select(number.label("old"), rank).subquery()
        columns = [number] if referred is None else [referred, number]
        for column in columns:
            moved = sa.update(column.table).values({column: -ranked.c.rank}).where(column == ranked.c.old)
            self._connection.execute(moved)
        for column in columns:
            self._connection.execute(sa.update(column.table).values({column: -column}).where(column < 0))


def _values(one: Remembered, now: datetime) -> dict[str, object]:
    return {
        "source": one.source,
        "origin": one.origin,
        "task_id": one.task_id,
        "body_sha256": one.body_sha256,
        "body": None,
        "bytes": one.size,
        "headers": {},
        "token_id": one.token_id,
        "tags": {},
        "status": one.status,
        "verdict": one.verdict,
        "deliveries": one.deliveries,
        "received_at": one.received_at,
        "last_received_at": one.received_at,
        "cleared_at": now,
    }
