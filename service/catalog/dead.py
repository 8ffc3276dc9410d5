"""What was given up: dead tasks, and tasks with dead images, by filter."""

from dataclasses import dataclass

import sqlalchemy as sa

from service.catalog.tables import assets, tasks


@dataclass(frozen=True, slots=True)
class DeadFilter:
    """Equalities; None matches all. A reason may be a task's or an image's."""

    reason: str | None = None
    ref: str | None = None
    model: str | None = None


class Dead:
    """Dead things within one transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def tasks(self, wanted: DeadFilter) -> list[str]:
        """Ids, nearest deadline first, and those without one last."""
        t, a = tasks.c, assets.c
        dead_assets = sa.select(a.task_id).where(a.status == "dead")
        dead_tasks = sa.select(t.id).where(t.status == "dead")
        if wanted.reason is not None:
            dead_assets = dead_assets.where(a.reason == wanted.reason)
            dead_tasks = dead_tasks.where(t.reason == wanted.reason)
        query = sa.select(t.id).where(t.id.in_(sa.union(dead_tasks, dead_assets)))  # each half by its index
        for column, value in ((t.ref, wanted.ref), (t.model, wanted.model)):
            if value is not None:
                query = query.where(column == value)
        return list(self._connection.execute(query.order_by(t.deadline.nulls_last(), t.seq)).scalars())
