"""How many tasks or images a filter finds, and how they divide: counted up to a bound, newest first, and said so."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from service.catalog.filters import AssetFilter, TaskFilter
from service.catalog.listing import Listing
from service.catalog.tables import assets, tasks

MOST_COUNTED = 10_000
MOST_VALUES = 20
"""Of a facet: the most frequent."""

_OF_TASKS = (tasks.c.status, tasks.c.model, tasks.c.source, tasks.c.tags)
_OF_ASSETS = (assets.c.status, assets.c.format, assets.c.width, assets.c.height, assets.c.host)
_OF_THEIR_TASKS = (tasks.c.model, tasks.c.source, tasks.c.tags)


@dataclass(frozen=True, slots=True)
class Facets:
    """What was counted; `exact` is False where there is more than that. Values by facet, the most frequent first."""

    counted: int
    exact: bool
    values: Mapping[str, Mapping[str, int]]


class Faceting:
    """Counting within one read transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._listing = Listing(connection)

    def tasks(self, wanted: TaskFilter) -> Facets:
        found = self._listing.tasks(wanted, _OF_TASKS, limit=MOST_COUNTED)
        return _facets(found.rows, exact=found.next is None)

    def assets(self, wanted: AssetFilter) -> Facets:
        found = self._listing.assets(wanted, (*_OF_ASSETS, *_OF_THEIR_TASKS), limit=MOST_COUNTED)
        return _facets(found.rows, exact=found.next is None)


def _facets(rows: list[sa.RowMapping], *, exact: bool) -> Facets:
    plain = [name for name in ("status", "format", "host", "model", "source") if rows and name in rows[0]]
    values = {name: _counts(row[name] for row in rows) for name in plain}
    if rows and "width" in rows[0]:
        values["size"] = _counts(f"{row['width']}x{row['height']}" if row["width"] else None for row in rows)
    values["tag"] = _counts(f"{name}:{value}" for row in rows for name, value in row["tags"].items())
    return Facets(len(rows), exact, values)


def _counts(values: Iterable[str | None]) -> dict[str, int]:
    return dict(Counter(value for value in values if value is not None).most_common(MOST_VALUES))
