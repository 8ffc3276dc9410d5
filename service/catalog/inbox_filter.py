"""Which callbacks of the inbox are meant: the same filter for lists and for replays."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from service.catalog.tables import callbacks


@dataclass(frozen=True, slots=True)
class InboxFilter:
    """Equalities and a span of receipt that includes its beginning; None and () match all."""

    verdict: str | None = None
    task_id: str | None = None
    token_id: str | None = None
    status: str | None = None
    received_after: datetime | None = None
    received_before: datetime | None = None
    ids: tuple[int, ...] = ()

    @property
    def is_empty(self) -> bool:
        return self == InboxFilter()

    def conditions(self) -> Iterator[sa.ColumnElement[bool]]:
        """What a row has to fulfil."""
        c = callbacks.c
        for column in (c.verdict, c.task_id, c.token_id, c.status):
            wanted = getattr(self, column.name)
            if wanted is not None:
                yield column == wanted
        if self.received_after is not None:
            yield c.received_at >= self.received_after
        if self.received_before is not None:
            yield c.received_at < self.received_before
        if self.ids:
            yield c.id.in_(self.ids)
