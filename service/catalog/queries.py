"""Lists, newest first, by keyset: a page begins after the last row of the one before, so inserts shift nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

import sqlalchemy as sa

from service.catalog import rows
from service.catalog.filters import AssetFilter, Sort, TaskFilter
from service.catalog.inbox_filter import InboxFilter
from service.catalog.listing import BOUNDS, Bounds, Listing
from service.catalog.one_asset import ONE_ASSET, this_asset
from service.catalog.prepared import Prepared
from service.catalog.tables import (
    NOT_ACCEPTED,
    NOT_CALLED_BACK,
    NOT_COMPLETED,
    assets,
    callback_tokens,
    callbacks,
    signed_links,
    tasks,
)
from service.catalog.tokens import MintedToken, SignedLink, minted_token, signed_link
from service.domain.asset import Asset, AssetReason
from service.domain.task import Task

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Items, and where the next page starts; `next` is None on the last one."""

    items: list[T]
    next: int | None


_ASSET = Prepared(sa.select(assets).where(*ONE_ASSET))

EVERY_TASK, EVERY_ASSET = TaskFilter(), AssetFilter()
CALLBACK_FILTERS = {
    "verdict": callbacks.c.verdict,
    "task_id": callbacks.c.task_id,
    "token_id": callbacks.c.token_id,
    "origin": callbacks.c.origin,
    "status": callbacks.c.status,
}


_RARE: Mapping[sa.Column[str], tuple[str, str]] = {
    callbacks.c.verdict: ("accepted", NOT_ACCEPTED),
    callbacks.c.origin: ("callback", NOT_CALLED_BACK),
    callbacks.c.status: ("completed", NOT_COMPLETED),
}
"""The usual value of columns, which most rows have, and what holds for all others: those alone are indexed."""

LISTED = [
    column if column.name != "provider_json" else sa.null().label("provider_json")  # long, and shown nowhere in lists
    for column in tasks.c
]


_NOT_REFUTED = sa.or_(assets.c.reason.is_(None), assets.c.reason != AssetReason.REFUTED.value)


class Queries:
    """Lists within one read transaction; `filters` are equalities on the columns named above."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def tasks(
        self,
        wanted: TaskFilter = EVERY_TASK,
        *,
        limit: int,
        after: int | None = None,
        sort: Sort = Sort.NEWEST,
        bounds: Bounds = BOUNDS,
    ) -> Page[Task]:
        found = Listing(self._connection, bounds).tasks(wanted, LISTED, limit=limit, after=after, sort=sort)
        return Page([rows.task_from(row) for row in found.rows], found.next)

    def assets_of(self, task_ids: list[str], *, conflicts: bool = False) -> dict[str, list[Asset]]:
        """The assets of several tasks, in index order."""
        found: dict[str, list[Asset]] = {task_id: [] for task_id in task_ids}
        query = sa.select(assets).where(assets.c.task_id.in_(task_ids)).order_by(assets.c.task_id, assets.c.index)
        if not conflicts:
            query = query.where(_NOT_REFUTED)
        for row in self._connection.execute(query).mappings():
            found[row["task_id"]].append(rows.asset_from(row))
        return found

    def assets(
        self,
        wanted: AssetFilter = EVERY_ASSET,
        *,
        limit: int,
        after: int | None = None,
        sort: Sort = Sort.NEWEST,
        bounds: Bounds = BOUNDS,
    ) -> Page[Asset]:
        found = Listing(self._connection, bounds).assets(wanted, list(assets.c), limit=limit, after=after, sort=sort)
        return Page([rows.asset_from(row) for row in found.rows], found.next)

    def asset(self, task_id: str, index: int) -> Asset | None:
        row = _ASSET.first(self._connection, this_asset(task_id, index))
        return rows.asset_from(row) if row is not None else None

    def callbacks(
        self,
        *,
        filters: Mapping[str, str],
        after: int | None,
        limit: int,
        received_after: datetime | None = None,
        received_before: datetime | None = None,
    ) -> Page[sa.RowMapping]:
        """Callbacks without their bodies; the span of receipt includes its beginning."""
        query = sa.select(*(column for column in callbacks.c if column.name != "body"))
        span = InboxFilter(received_after=received_after, received_before=received_before)
        order = None if span.is_empty else callbacks.c.received_at  # a span may lie far from the newest
        return self._page(
            query.where(*span.conditions()), callbacks.c.id, CALLBACK_FILTERS, filters, after, limit, order=order
        )

    def callback(self, callback_id: int) -> sa.RowMapping | None:
        """One callback with its raw body."""
        query = sa.select(callbacks).where(callbacks.c.id == callback_id)
        return self._connection.execute(query).mappings().one_or_none()

    def tokens(self, *, after: int | None, limit: int) -> Page[MintedToken]:
        page = self._page(sa.select(callback_tokens), callback_tokens.c.seq, {}, {}, after, limit)
        return Page([minted_token(row) for row in page.items], page.next)

    def links(self, task_id: str, index: int, *, after: int | None, limit: int) -> Page[SignedLink]:
        """The signed links to one asset."""
        c = signed_links.c
        query = sa.select(signed_links).where(c.task_id == task_id, c.index == index)
        page = self._page(query, c.seq, {}, {}, after, limit)
        return Page([signed_link(row) for row in page.items], page.next)

    def _page(
        self,
        query: sa.Select[tuple[object, ...]],
        key: sa.Column[int],
        columns: Mapping[str, sa.Column[str]],
        filters: Mapping[str, str],
        after: int | None,
        limit: int,
        *,
        order: sa.Column[datetime] | None = None,
    ) -> Page[sa.RowMapping]:
        """By `key`, or by `order` and `key`; `after` is a key, also of a row that is gone since."""
        for name, value in filters.items():
            query = query.where(columns[name] == value)
            usual, rare = _RARE.get(columns[name], (value, ""))
            if value != usual:
                query = query.where(sa.text(rare))
        if after is not None and order is None:
            query = query.where(key < after)
        elif after is not None and order is not None:
            last = sa.select(order, sa.literal(after)).where(key <= after).order_by(key.desc()).limit(1)
            query = query.where(sa.tuple_(order, key) < last.scalar_subquery())
        newest = [column.desc() for column in (order, key) if column is not None]
        found = list(self._connection.execute(query.order_by(*newest).limit(limit + 1)).mappings())
        more = len(found) > limit
        return Page(found[:limit], found[limit - 1][key.name] if more else None)
