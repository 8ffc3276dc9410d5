"""The catalog from end to end, in pages of constant size: for work that looks at everything beside a server.

On PostgreSQL a row may be committed after one that has a higher number. A walk that was past its place would never meet
it, not even when it is taken up again later; one that must be complete goes as far as `walk_end` says, and no further.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import sqlalchemy as sa

from service.catalog.tables import assets, tasks

LOOK_AGAIN = 0.1
"""Seconds between two looks at who still writes."""

_WRITERS = sa.text(
    "SELECT virtualtransaction FROM pg_locks WHERE relation = to_regclass(:name) AND mode = 'RowExclusiveLock' "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


@dataclass(frozen=True, slots=True)
class Horizon:
    """The highest position there is, and the transactions that may still bring lower ones."""

    last: int
    writers: frozenset[str]


class Walk:
    """Positions are a task's `seq`: rows that arrive meanwhile come last, and none is met twice."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def any_stored(self) -> bool:
        """Whether an image or a sidecar was ever put into the store; what is only planned leaves nothing there."""
        written = sa.exists().where(tasks.c.sidecar_version > 0)
        stored = sa.exists().where(assets.c.object_key.is_not(None))
        return bool(self._connection.execute(sa.select(written | stored)).scalar())

    def with_folder(self, *, after: int, limit: int, until: int | None = None) -> list[tuple[int, str]]:
        """Position and id of the next tasks that have, or will have, something in the store."""
        c = tasks.c
        query = sa.select(c.seq, c.id).where(c.archive_date.is_not(None), c.seq > after).order_by(c.seq).limit(limit)
        if until is not None:
            query = query.where(c.seq <= until)
        return [(seq, task_id) for seq, task_id in self._connection.execute(query)]

    def horizon(self) -> Horizon:
        """How far a walk can go now, once the writers have ended.

        Who took a number below the highest that is visible held the table's lock then, and holds it until its end.
        """
        last = self._connection.execute(sa.select(sa.func.max(tasks.c.seq))).scalar()
        if self._connection.dialect.name != "postgresql":
            return Horizon(last or 0, frozenset())  # one writer: numbers are in the order of commits
        writers = self._connection.execute(_WRITERS, {"name": tasks.name}).scalars()
        return Horizon(last or 0, frozenset(writers))


async def walk_end(look: Callable[[], Awaitable[Horizon]]) -> int:
    """The position up to which no row can appear any more; waits for those that write now, as long as they last."""
    horizon = await look()
    left = horizon.writers
    while left:
        await asyncio.sleep(LOOK_AGAIN)
        left &= (await look()).writers
    return horizon.last
