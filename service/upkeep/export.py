"""What an export is made of: everything that a filter finds, page by page, and pieces that say how far they take it.

A transaction lasts for one page. Who is slow to take the pieces keeps the next page from being read, and nothing else.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol, TypeVar

from service.catalog.catalog import Catalog
from service.catalog.filters import AssetFilter, Sort, TaskFilter
from service.catalog.queries import Page
from service.upkeep.export_text import csv_row, json_line

PAGE_ROWS = 100
"""Rows of a page: a few milliseconds of work, so that others get their turn between two."""

COUNTED_ROWS = 500


class Format(StrEnum):
    NDJSON = "ndjson"
    CSV = "csv"
    ZIP = "zip"


class Numbered(Protocol):
    """A row of a list."""

    @property
    def number(self) -> int: ...


N = TypeVar("N", bound=Numbered)

Look = Callable[[int | None, int], Awaitable[Page[N]]]
"""Reads the page of so many rows that starts after a row."""

Pages = AsyncGenerator[Page[N], None]


@dataclass(frozen=True, slots=True)
class Piece:
    """Some bytes of an export.

    Whoever has all up to here has gone through `count` rows, and goes on after the row `after`; None in the midst of
    one. The `last` piece has nothing but the end: its `after` is None where the filter finds no more.
    """

    data: bytes
    count: int
    after: int | None = None
    last: bool = False


Pieces = AsyncGenerator[Piece, None]


async def pages(look: Look[N], *, after: int | None = None, limit: int | None = None) -> Pages[N]:
    """All pages, or as many as have `limit` rows; `next` of the last says whether there are more."""
    left = limit
    if left == 0:
        yield Page([], after)
        return
    while True:
        page = await look(after, PAGE_ROWS if left is None else min(PAGE_ROWS, left))
        yield page
        left = None if left is None else left - len(page.items)
        after = page.next
        if after is None or left == 0:
            return


async def count(catalog: Catalog, wanted: AssetFilter | TaskFilter, *, after: int | None, sort: Sort) -> int:
    """How many rows are to come."""
    counted = 0
    while True:
        page = await catalog.read(
            lambda tx, at=after: tx.export.numbers(wanted, limit=COUNTED_ROWS, after=at, sort=sort)  # type: ignore[misc]
        )
        counted += len(page.items)
        if page.next is None:
            return counted
        after = page.next


async def ndjson(
    found: Pages[N],
    document: Callable[[N], Mapping[str, Any]],
    cursor: Callable[[int], str],
    *,
    count: int = 0,
) -> Pieces:
    """A line for each row, with its cursor, and a last line that says that this is the end."""
    following: int | None = None
    async for page in found:
        lines = [json_line({**document(row), "cursor": cursor(row.number)}) for row in page.items]
        count, following = count + len(lines), page.next
        if lines:
            yield Piece(b"".join(lines), count, page.items[-1].number)
    end = json_line({"next": cursor(following) if following is not None else None, "count": count})
    yield Piece(end, count, following, last=True)


async def table(
    found: Pages[N],
    document: Callable[[N], Mapping[str, Any]],
    cursor: Callable[[int], str],
    *,
    columns: tuple[str, ...],
    heading: bool,
    count: int = 0,
) -> Pieces:
    """A row of CSV for each row, with its cursor in the last column; `heading` where it is the beginning."""
    top, following = csv_row(columns) if heading else b"", None
    async for page in found:
        told = [{**document(row), "cursor": cursor(row.number)} for row in page.items]
        rows = [csv_row([one[column] for column in columns]) for one in told]
        count, following = count + len(rows), page.next
        yield Piece(top + b"".join(rows), count, page.items[-1].number if rows else None)
        top = b""
    yield Piece(b"", count, following, last=True)
