"""Callbacks to be run again: read in small portions, and put under the task that they are found to name."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from service.catalog.inbox_filter import InboxFilter
from service.catalog.tables import callbacks
from service.domain.callback import Verdict

WINDOW = 5000
"""Ids that one query looks through at most, so that a filter which matches little holds no long transaction."""

MOST_ROWS = 100
MOST_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Past:
    """A callback that was kept; `task_id` is '' where its body could not be read."""

    id: int
    source: str
    task_id: str
    verdict: Verdict
    token_id: str | None
    ref: str | None
    tags: Mapping[str, str]
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Portion:
    """Ids with bodies, None where there is none; the next portion begins after `end`."""

    bodies: Mapping[int, bytes | None]
    end: int


class Replays:
    """Replaying within one transaction."""

    def __init__(self, connection: sa.Connection, *, locks: bool = True) -> None:
        self._connection = connection
        self._locks = locks

    def span(self, wanted: InboxFilter) -> tuple[int, int]:
        """An id before all callbacks that may match now, and the last of them; later ones do not belong to it."""
        c = callbacks.c
        query = sa.select(sa.func.min(c.id), sa.func.max(c.id))
        if wanted.ids:
            query = query.where(c.id.in_(wanted.ids))
        elif wanted.task_id is not None:
            query = query.where(c.task_id == wanted.task_id)
        elif wanted.token_id is not None:
            query = query.where(c.token_id == wanted.token_id)
        elif wanted.received_after is not None or wanted.received_before is not None:
            span = InboxFilter(received_after=wanted.received_after, received_before=wanted.received_before)
            # all of it, as the ends of a span in time may lie anywhere among the ids
            within = sa.select(c.id).where(*span.conditions()).offset(0).subquery()
            query = sa.select(sa.func.min(within.c.id), sa.func.max(within.c.id))
        first, last = self._connection.execute(query).one()
        return (first - 1, last) if first is not None else (0, 0)

    def portion(self, wanted: InboxFilter, *, after: int, last: int) -> Portion:
        """The next matching callbacks in order of receipt, as many as fit into memory together."""
        c = callbacks.c
        narrow = wanted.ids or wanted.task_id is not None
        until = last if narrow else min(last, after + WINDOW)
        found = self._connection.execute(
            sa.select(c.id, sa.func.coalesce(sa.func.length(c.body), 0))
            .where(c.id > after, c.id <= until, *wanted.conditions())
            .order_by(c.id)
            .limit(MOST_ROWS)
        ).all()
        ids: list[int] = []
        size = 0
        for row_id, length in found:
            if ids and size + length > MOST_BYTES:
                break
            ids.append(row_id)
            size += length
        rows = self._connection.execute(sa.select(c.id, c.body).where(c.id.in_(ids)).order_by(c.id))
        complete = len(ids) == len(found) < MOST_ROWS
        return Portion({row_id: body for row_id, body in rows}, until if complete else ids[-1])  # noqa: C416 - rows

    def rows(self, ids: Collection[int]) -> dict[int, Past]:
        """What is known of callbacks besides their bodies, as it is now."""
        c = callbacks.c
        names = ("id", "source", "task_id", "verdict", "token_id", "ref", "tags", "received_at")
        query = sa.select(*(c[name] for name in names)).where(c.id.in_(list(ids))).order_by(c.id)
        found = self._connection.execute(query.with_for_update() if self._locks else query).mappings()
        return {row["id"]: Past(**{**row, "verdict": Verdict(row["verdict"])}) for row in found}

    def move(self, callback_id: int, task_id: str, *, status: str, verdict: Verdict) -> int:
        """Put a callback under the task that it is found to name; returns the id of its row from now on.

        Where the same body is there already the two become one, with the deliveries of both.
        """
        c = callbacks.c
        locked = sa.select(callbacks).with_for_update()
        row = self._connection.execute(locked.where(c.id == callback_id)).mappings().one()
        same = sa.and_(c.source == row["source"], c.task_id == task_id, c.body_sha256 == row["body_sha256"])
        there = self._connection.execute(locked.where(same)).mappings().one_or_none()
        if there is None:
            values = {"task_id": task_id, "status": status, "verdict": verdict.value, "detail": None}
            self._connection.execute(sa.update(callbacks).where(c.id == callback_id).values(values))
            return callback_id
        merged = {
            "deliveries": there["deliveries"] + row["deliveries"],
            "received_at": min(there["received_at"], row["received_at"]),
            "last_received_at": max(there["last_received_at"], row["last_received_at"]),
            "body": there["body"] if there["body"] is not None else row["body"],
        }
        if verdict is Verdict.ACCEPTED and there["verdict"] != verdict.value:
            merged |= {"verdict": verdict.value} | {name: row[name] for name in ("token_id", "ref", "tags")}
        self._connection.execute(sa.delete(callbacks).where(c.id == callback_id))
        self._connection.execute(sa.update(callbacks).where(c.id == there["id"]).values(merged))
        return int(there["id"])
