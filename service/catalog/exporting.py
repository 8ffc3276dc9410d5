"""What an export takes out of the catalog: any list, row by row with the number that the next page starts after.

It reads a page at a time, so that no transaction lasts; what becomes of the rows is not its business.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from service.catalog import rows
from service.catalog.filters import AssetFilter, Sort, TaskFilter
from service.catalog.listing import Listing
from service.catalog.queries import LISTED, Page, Queries
from service.catalog.tables import assets, tasks
from service.domain.asset import Asset
from service.domain.task import Task

_OF_IMAGE = [column for column in assets.c if column is not assets.c.seq]
_OF_ITS_TASK = (tasks.c.seq, tasks.c.source, tasks.c.model, tasks.c.ref, tasks.c.tags, tasks.c.prompt)


@dataclass(frozen=True, slots=True)
class ListedImage:
    """An image, its place in the list, and what is to be told of its task, whose own number is `task_number`."""

    number: int
    asset: Asset
    task_number: int
    source: str
    model: str | None
    ref: str | None
    tags: Mapping[str, str]
    prompt: str | None
    received_at: datetime


@dataclass(frozen=True, slots=True)
class ListedTask:
    """A task, its place in the list, and its images."""

    number: int
    task: Task
    assets: tuple[Asset, ...]


class Exporting:
    """Pages of lists within one read transaction; `after` is the number of the row before."""

    def __init__(self, connection: sa.Connection) -> None:
        self._listing = Listing(connection)
        self._query = Queries(connection)

    def images(
        self, wanted: AssetFilter, *, limit: int, after: int | None = None, sort: Sort = Sort.NEWEST
    ) -> Page[ListedImage]:
        columns = (*_OF_IMAGE, *_OF_ITS_TASK, tasks.c.received_at)
        found = self._listing.assets(wanted, columns, limit=limit, after=after, sort=sort)
        return Page([_image(row) for row in found.rows], found.next)

    def tasks(
        self, wanted: TaskFilter, *, limit: int, after: int | None = None, sort: Sort = Sort.NEWEST
    ) -> Page[ListedTask]:
        found = self._listing.tasks(wanted, LISTED, limit=limit, after=after, sort=sort)
        images = self._query.assets_of([row["id"] for row in found.rows], conflicts=wanted.conflicts)
        listed = [ListedTask(row["number"], rows.task_from(row), tuple(images[row["id"]])) for row in found.rows]
        return Page(listed, found.next)

    def numbers(
        self, wanted: AssetFilter | TaskFilter, *, limit: int, after: int | None = None, sort: Sort = Sort.NEWEST
    ) -> Page[int]:
        """The numbers alone, to count by."""
        if isinstance(wanted, TaskFilter):
            found = self._listing.tasks(wanted, (), limit=limit, after=after, sort=sort)
        else:
            found = self._listing.assets(wanted, (), limit=limit, after=after, sort=sort)
        return Page([row["number"] for row in found.rows], found.next)


def _image(row: sa.RowMapping) -> ListedImage:
    return ListedImage(
        number=row["number"],
        asset=rows.asset_from(row),
        task_number=row["seq"],
        source=row["source"],
        model=row["model"],
        ref=row["ref"],
        tags=row["tags"],
        prompt=row["prompt"],
        received_at=row["received_at"],
    )
