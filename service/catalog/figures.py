"""How much there is, counted."""

from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from service.catalog.tables import assets, tasks
from service.domain.asset import AssetStatus
from service.domain.task import TaskStatus


@dataclass(frozen=True, slots=True)
class Figures:
    """Counts by status and, for what is dead, by reason; `unconfirmed` are ends that the provider has not told us."""

    tasks: Mapping[str, int]
    assets: Mapping[str, int]
    dead_tasks: Mapping[str, int]
    dead_assets: Mapping[str, int]
    archived_bytes: int
    unconfirmed: int
    conflicts: int


class Counting:
    """Counts within one transaction. Each is one pass over an index or the table."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def count(self) -> Figures:
        t, a = tasks.c, assets.c
        ended = t.status.in_(("completed", "failed", "cancelled"))
        unconfirmed, conflicts = self._connection.execute(
            sa.select(
                sa.func.count(sa.case((sa.and_(ended, sa.not_(t.confirmed)), 1))),
                sa.func.count(sa.case((t.conflict, 1))),
            )
        ).one()
        archived = sa.select(sa.func.coalesce(sa.func.sum(a.bytes), 0)).where(a.status == AssetStatus.ARCHIVED.value)
        return Figures(
            tasks={status.value: 0 for status in TaskStatus} | self._by(t.status),
            assets={status.value: 0 for status in AssetStatus} | self._by(a.status),
            dead_tasks=self._by(t.reason, t.status == TaskStatus.DEAD.value),
            dead_assets=self._by(a.reason, a.status == AssetStatus.DEAD.value),
            archived_bytes=int(self._connection.execute(archived).scalar_one()),
            unconfirmed=unconfirmed,
            conflicts=conflicts,
        )

    def _by(self, column: sa.Column[str], *only: sa.ColumnElement[bool]) -> dict[str, int]:
        query = sa.select(column, sa.func.count()).where(*only).group_by(column)
        return {value: number for value, number in self._connection.execute(query)}  # noqa: C416 - rows, not pairs
