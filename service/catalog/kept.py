"""What retention goes by: how much is archived, and the oldest of it. What is held is left out of both."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from service.catalog.columns import UtcTime
from service.catalog.dialects import in_its_index, without_index
from service.catalog.search_index import matching
from service.catalog.tables import assets, tasks
from service.domain.asset import AssetStatus
from service.domain.retry import EARLIEST_CREATED
from service.domain.words import Search, exact

_ARCHIVED = assets.c.status == sa.literal_column("'archived'")  # as the index of what is kept says it
_DATED = assets.c.archived_at >= EARLIEST_CREATED  # not by a clock that knew no time: nobody knows how old that is
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
            return self._counted(*self._tagged(tag))
        every, held = self._counted(self._archived(), _DATED), self._counted(*self._of(_HELD))
        return every[0] - held[0], every[1] - held[1]

    def newest(self) -> datetime | None:
        """When the last image was archived."""
        newest = sa.select(assets.c.archived_at).where(self._archived(), _DATED).order_by(assets.c.archived_at.desc())
        return self._connection.execute(newest.limit(1)).scalar_one_or_none()

    def oldest(self, tag: str | None, *, after: KeptImage | None, limit: int) -> list[KeptImage]:
        """The images that were archived first, or first after one, in that order."""
        a = assets.c
        query = sa.select(a.seq, a.task_id, a.index, a.archived_at, a.bytes)
        at: sa.ColumnElement[Any] = a.archived_at
        if tag is not None:  # sorted, where the way along the index could be one through everything
            query, at = query.where(*self._tagged(tag)), self._plain(a.archived_at)
        else:
            query = query.where(self._archived(), _DATED, a.task_id.not_in(sa.select(tasks.c.id).where(_HELD)))
        if after is not None:
            last = sa.tuple_(sa.literal(after.archived_at, UtcTime()), sa.literal(after.seq))
            query = query.where(sa.tuple_(at, a.seq) > last)
        return [KeptImage(*row) for row in self._connection.execute(query.order_by(at, a.seq).limit(limit))]

    def _tagged(self, tag: str) -> tuple[sa.ColumnElement[bool], ...]:
        """That an image is archived and has a tag, and is not held."""
        found = matching(self._connection.dialect.name, Search(frozenset({exact("tag", tag)})))
        return self._of(sa.and_(tasks.c.seq.in_(found), sa.not_(_HELD)))

    def _of(self, which: sa.ColumnElement[bool]) -> tuple[sa.ColumnElement[bool], ...]:
        """That an image is archived and of such a task, which leads to it."""
        dated = self._plain(assets.c.archived_at) >= sa.literal(EARLIEST_CREATED, UtcTime())
        archived = self._plain(assets.c.status) == AssetStatus.ARCHIVED.value
        return assets.c.task_id.in_(sa.select(tasks.c.id).where(which)), archived, dated

    def _archived(self) -> sa.ColumnElement[bool]:
        return in_its_index(self._connection.dialect.name, _ARCHIVED)

    def _plain(self, column: sa.Column[Any]) -> sa.ColumnElement[Any]:
        return without_index(self._connection.dialect.name, column)

    def _counted(self, *only: sa.ColumnElement[bool]) -> tuple[int, int]:
        number, size = self._connection.execute(
            sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(assets.c.bytes), 0))
            .select_from(assets)
            .where(*only)
        ).one()
        return number, int(size)
