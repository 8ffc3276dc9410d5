"""What is kept for a callback token that nothing vouches for, and which tasks it has touched."""

from dataclasses import dataclass

import sqlalchemy as sa

from service.catalog.tables import STRAY, UNPROVEN, callbacks, history, tasks
from service.domain.allowance import ROW_BYTES, Spent
from service.domain.history import Effect

MOST_TOUCHED = 100

_OPEN = ("pending", "processing")
_SEEN_OTHERWISE = (Effect.TOLD.value, Effect.SEEN.value)


@dataclass(frozen=True, slots=True)
class TouchedTask:
    """A task that a token's callbacks named; `status` is None where no task came of them."""

    id: str
    status: str | None
    confirmed: bool


@dataclass(frozen=True, slots=True)
class Touched:
    """The tasks that a token's callbacks named, the latest of them and how many in all."""

    tasks: tuple[TouchedTask, ...]
    total: int


class Usage:
    """Tokens and what became of their callbacks, within one transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def spent(self, token_id: str) -> Spent:
        """What is kept of a token; by partial indexes, so that what is proven costs nothing."""
        stray_bytes, stray_rows = self._strays(token_id)
        waiting, unproven = self._unproven(token_id)
        return Spent(stray_bytes, stray_rows, waiting, unproven)

    def touched(self, token_id: str, *, most: int = MOST_TOUCHED) -> Touched:
        """The tasks that its callbacks named, those of its latest callbacks first."""
        c, t = callbacks.c, tasks.c
        named = sa.select(c.task_id, sa.func.max(c.id).label("last")).where(c.token_id == token_id, c.task_id != "")
        by_task = named.group_by(c.task_id).subquery()
        total = self._connection.execute(sa.select(sa.func.count()).select_from(by_task)).scalar_one()
        latest = (
            sa.select(by_task.c.task_id, t.status, t.confirmed)
            .outerjoin(tasks, t.id == by_task.c.task_id)
            .order_by(by_task.c.last.desc())
            .limit(most)
        )
        rows = self._connection.execute(latest)
        return Touched(tuple(TouchedTask(task_id, status, bool(known)) for task_id, status, known in rows), total)

    def _strays(self, token_id: str) -> tuple[int, int]:
        c = callbacks.c
        size = sa.func.length(c.body)  # null without a body
        query = sa.select(
            sa.func.coalesce(sa.func.sum(sa.case((size > ROW_BYTES, size), (size >= 0, ROW_BYTES))), 0),
            sa.func.count(sa.case((c.body.is_(None), 1))),
        )
        stray_bytes, stray_rows = self._connection.execute(query.where(c.token_id == token_id, sa.text(STRAY))).one()
        return int(stray_bytes), stray_rows

    def _unproven(self, token_id: str) -> tuple[int, int]:
        t, h = tasks.c, history.c
        is_unproven = sa.and_(t.named_by == token_id, sa.text(UNPROVEN))
        size = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(t.named_bytes), 0)).where(is_unproven)
        number, bodies = self._connection.execute(size).one()
        told = sa.exists().where(h.task_id == t.id, h.effect.in_(_SEEN_OTHERWISE))
        waiting = sa.select(sa.func.count()).where(is_unproven, t.status.in_(_OPEN), sa.not_(told))
        return self._connection.execute(waiting).scalar_one(), number * ROW_BYTES + int(bodies)
