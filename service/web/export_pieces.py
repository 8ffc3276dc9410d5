"""An export in its form, out of what the catalog has: the documents of the lists as lines, or images as a ZIP."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from service.catalog.catalog import Catalog
from service.catalog.exporting import ListedImage, ListedTask
from service.catalog.filters import AssetFilter, TaskFilter
from service.catalog.queries import Page
from service.submission.price_list import Prices
from service.upkeep.export import Format, Look, Pages, Pieces, ndjson, pages, table
from service.upkeep.export_text import IMAGE_COLUMNS, TASK_COLUMNS, with_its_task
from service.web.documents import asset_document, task_document
from service.web.export_query import Asked
from service.web.paging import cursor_of


def text_pieces(asked: Asked, catalog: Catalog, *, public_url: str, prices: Prices, count: int = 0) -> Pieces:
    """NDJSON or CSV; `count` rows were given before, by what this goes on with."""
    wanted = asked.wanted
    if isinstance(wanted, TaskFilter):
        tasks = pages(_tasks(asked, wanted, catalog), after=asked.after, limit=asked.limit)
        told = partial(_task, public_url=public_url, prices=prices)
        if asked.format is Format.NDJSON:
            return ndjson(tasks, told, cursor_of, count=count)
        named = partial(_task_with_names, public_url=public_url, prices=prices)
        return table(tasks, named, cursor_of, columns=TASK_COLUMNS, heading=asked.after is None, count=count)
    images, told_image = image_pages(asked, catalog), partial(_image, public_url=public_url)
    if asked.format is Format.NDJSON:
        return ndjson(images, told_image, cursor_of, count=count)
    return table(images, told_image, cursor_of, columns=IMAGE_COLUMNS, heading=asked.after is None, count=count)


def image_pages(asked: Asked, catalog: Catalog) -> Pages[ListedImage]:
    wanted = asked.wanted
    assert isinstance(wanted, AssetFilter)
    return pages(_images(asked, wanted, catalog), after=asked.after, limit=asked.limit)


def _images(asked: Asked, wanted: AssetFilter, catalog: Catalog) -> Look[ListedImage]:
    async def look(after: int | None, limit: int) -> Page[ListedImage]:
        return await catalog.read(lambda tx: tx.export.images(wanted, limit=limit, after=after, sort=asked.sort))

    return look


def _tasks(asked: Asked, wanted: TaskFilter, catalog: Catalog) -> Look[ListedTask]:
    async def look(after: int | None, limit: int) -> Page[ListedTask]:
        return await catalog.read(lambda tx: tx.export.tasks(wanted, limit=limit, after=after, sort=asked.sort))

    return look


def _image(listed: ListedImage, *, public_url: str) -> Mapping[str, Any]:
    return with_its_task(asset_document(listed.asset, public_url=public_url), listed)


def _task(listed: ListedTask, *, public_url: str, prices: Prices) -> Mapping[str, Any]:
    return task_document(listed.task, listed.assets, public_url=public_url, prices=prices)


def _task_with_names(listed: ListedTask, *, public_url: str, prices: Prices) -> Mapping[str, Any]:
    """With the ids of its images, not all of them, for a table's cell."""
    return {**_task(listed, public_url=public_url, prices=prices), "assets": [asset.id for asset in listed.assets]}
