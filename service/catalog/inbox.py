"""The inbox: callbacks as received, kept raw. A unique constraint decides what is a repetition."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache

import sqlalchemy as sa

from service.catalog.bulk import Bulk
from service.catalog.dialects import insert_into
from service.catalog.prepared import Prepared, Row
from service.catalog.tables import callbacks
from service.domain.callback import Verdict
from service.domain.task import Origin

MOST_BELIEVED = 64
"""Bodies of one task that are read again when its callbacks have to be believed."""


@dataclass(frozen=True, slots=True)
class Received:
    """A callback to keep; `task_id` is '' when its body names none. `deliveries` counts equal ones of one batch.

    `body` is None where there is no room for it; `size` is what it had, in bytes.
    """

    source: str
    origin: Origin
    task_id: str
    body: bytes | None
    size: int
    body_sha256: str
    verdict: Verdict
    received_at: datetime
    headers: Mapping[str, str] = field(default_factory=dict)
    token_id: str | None = None
    ref: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    status: str | None = None
    detail: str | None = None
    deliveries: int = 1

    @property
    def key(self) -> tuple[str, str, str]:
        return self.source, self.task_id, self.body_sha256


@dataclass(frozen=True, slots=True)
class Kept:
    """A callback's row: `repeated` when the same body had come before, with the verdict of then."""

    id: int
    repeated: bool
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class InboxRow:
    """One of a task's callbacks, without its body; `size` in bytes of what of it is kept, None where nothing is."""

    id: int
    task_id: str
    size: int | None
    verdict: Verdict
    status: str | None


@cache
def _keeping(dialect: sa.Dialect) -> Bulk:
    statement = insert_into(dialect.name, callbacks)
    counted = statement.on_conflict_do_update(
        index_elements=["source", "task_id", "body_sha256"],
        set_={
            "deliveries": callbacks.c.deliveries + statement.excluded.deliveries,
            "last_received_at": statement.excluded.last_received_at,
        },
    )
    c = callbacks.c
    returning = counted.returning(c.id, c.source, c.task_id, c.body_sha256, c.deliveries, c.verdict)
    return Bulk(returning, [column.name for column in c if column.name not in ("id", "cleared_at")], dialect)


_EVIDENCE = Prepared(
    sa.select(
        callbacks.c.id,
        callbacks.c.origin,
        callbacks.c.status,
        callbacks.c.bytes,
        callbacks.c.body_sha256,
        callbacks.c.token_id,
        callbacks.c.verdict,
        callbacks.c.deliveries,
        callbacks.c.received_at,
    )
    .where(callbacks.c.task_id == sa.bindparam("of_task"))
    .order_by(callbacks.c.id)
)


class Inbox:
    """The inbox within one transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def keep(self, received: Sequence[Received]) -> dict[tuple[str, str, str], Kept]:
        """Insert callbacks, or count another delivery of those that are there; keys must be unique in the batch."""
        if not received:
            return {}
        sent = {one.key: one.deliveries for one in received}
        rows = _keeping(self._connection.dialect).insert(self._connection, [_values(one) for one in received])
        return {
            (key := (row.source, row.task_id, row.body_sha256)): Kept(
                row.id, row.deliveries > sent[key], Verdict(row.verdict)
            )
            for row in rows
        }

    def judge(self, callback_id: int, verdict: Verdict, token_id: str | None) -> None:
        """Record a verdict that was found after the callback had been kept."""
        self._connection.execute(
            sa.update(callbacks).where(callbacks.c.id == callback_id).values(verdict=verdict.value, token_id=token_id)
        )

    def accepted_of(self, task_id: str) -> list[tuple[int, bytes]]:
        """Ids and bodies of a task's accepted callbacks, the latest of them, in order of receipt."""
        query = (
            sa.select(callbacks.c.id, callbacks.c.body)
            .where(
                callbacks.c.task_id == task_id,
                callbacks.c.verdict == Verdict.ACCEPTED.value,
                callbacks.c.body.is_not(None),
            )
            .order_by(callbacks.c.id.desc())
            .limit(MOST_BELIEVED)
        )
        return [(row.id, row.body) for row in self._connection.execute(query)][::-1]

    def of_tasks(self, task_ids: Collection[str]) -> list[InboxRow]:
        """All callbacks of these tasks."""
        c = callbacks.c
        query = sa.select(c.id, c.task_id, sa.func.length(c.body), c.verdict, c.status)
        rows = self._connection.execute(query.where(c.task_id.in_(list(task_ids))))
        return [InboxRow(row_id, task, size, Verdict(verdict), status) for row_id, task, size, verdict, status in rows]

    def drop(self, *, bodies: Collection[int], rows: Collection[int]) -> None:
        """Remove what there is no room for."""
        this_row = callbacks.c.id == sa.bindparam("row")
        if bodies:
            emptied = sa.update(callbacks).where(this_row).values(body=None, headers={})
            self._connection.execute(emptied, [{"row": row_id} for row_id in bodies])
        if rows:
            self._connection.execute(sa.delete(callbacks).where(this_row), [{"row": row_id} for row_id in rows])

    def hashes_of(self, task_id: str) -> list[Row]:
        """The evidence for one task: what was received, when, through which token."""
        return _EVIDENCE.all(self._connection, {"of_task": task_id})


def _values(one: Received) -> dict[str, object]:
    return {
        "source": one.source,
        "origin": one.origin.value,
        "task_id": one.task_id,
        "body_sha256": one.body_sha256,
        "body": one.body,
        "bytes": one.size,
        "headers": dict(one.headers) if one.body is not None else {},
        "token_id": one.token_id,
        "ref": one.ref,
        "tags": dict(one.tags),
        "status": one.status,
        "verdict": one.verdict.value,
        "detail": one.detail,
        "deliveries": one.deliveries,
        "received_at": one.received_at,
        "last_received_at": one.received_at,
    }
