"""What retention goes by: how much is archived, and the oldest of it. What is held is left out of both."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from service.catalog.columns import UtcTime
from service.catalog.dialects import without_index
from service.catalog.filters import OF_TASK
from service.catalog.search_index import matching
from service.catalog.tables import assets, tasks
from service.domain.asset import AssetStatus
from service.domain.words import Search, exact

_ARCHIVED = assets.c.status == AssetStatus.ARCHIVED.value
_HELD = tasks.c.hold_at.is_not(None)


@dataclass(frozen=True, slots=True)
class KeptImage:
    """An archived image that nobody holds; `size` in bytes."""

    seq: int
    task_id: str
    index: int
    archived_at: datetime
    size: int


class Kept:
    """Looking within one transaction; a tag is a name, or a name and its value with a colon between them."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def total(self, tag: str | None) -> tuple[int, int]:
        """How many images there are, and of how many bytes."""
        if tag is not None:
            return self._counted(OF_TASK, self._tagged(tag), sa.not_(_HELD))
        every, held = self._counted(assets), self._counted(OF_TASK, _HELD)
        return every[0] - held[0], every[1] - held[1]

    def oldest(self, tag: str | None, *, after: KeptImage | None, limit: int) -> list[KeptImage]:
        """The images that were archived first, or first after one, in that order."""
        a = assets.c
        query = sa.select(a.seq, a.task_id, a.index, a.archived_at, a.bytes).select_from(OF_TASK)
        query = query.where(_ARCHIVED, sa.not_(_HELD))
        at: sa.ColumnElement[Any] = a.archived_at
        if tag is not None:  # sorted, where the way along the index could be one through everything
            query, at = query.where(self._tagged(tag)), without_index(self._connection.dialect.name, a.archived_at)
        if after is not None:
            query = query.where(
                sa.tuple_(at, a.seq) > sa.tuple_(sa.literal(after.archived_at, UtcTime()), sa.literal(after.seq))
            )
        return [KeptImage(*row) for row in self._connection.execute(query.order_by(at, a.seq).limit(limit))]

    def _tagged(self, tag: str) -> sa.ColumnElement[bool]:
        return tasks.c.seq.in_(matching(self._connection.dialect.name, Search(frozenset({exact("tag", tag)}))))

    def _counted(self, table: sa.FromClause, *only: sa.ColumnElement[bool]) -> tuple[int, int]:
        query = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(assets.c.bytes), 0)).select_from(table)
        number, size = self._connection.execute(query.where(_ARCHIVED, *only)).one()
        return number, int(size)
