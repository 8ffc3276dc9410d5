"""What the query string of a list asks for, as a filter of the catalog; says by name what is wrong with it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from starlette.requests import Request

from service.catalog.filters import AssetFilter, Sort, Span, TaskFilter
from service.domain.asset import AssetStatus
from service.domain.image import ImageFormat
from service.domain.moment import moment
from service.domain.task import TaskStatus
from service.domain.words import Search, exact, search_for
from service.errors import Invalid
from service.web.paging import ListQuery, list_query

MOST_TAGS = 8
LONGEST_SEARCH = 1000

_OF_TASK = ("model", "source", "ref", "tag", "q", "received_after", "received_before")
_OF_ASSET = (
    "status",
    "format",
    "task_id",
    "host",
    "size",
    "min_bytes",
    "max_bytes",
    "archived_after",
    "archived_before",
)
TASK_PARAMETERS = ("status", *_OF_TASK, "conflict")
ASSET_PARAMETERS = (*_OF_ASSET, *_OF_TASK, "conflict")

_SORTS = {"tasks": (Sort.NEWEST, Sort.OLDEST), "assets": tuple(Sort)}
_SIZE = re.compile(r"([1-9][0-9]{0,5})x([1-9][0-9]{0,5})")
_BYTES = re.compile(r"[0-9]{1,15}")

F = TypeVar("F", TaskFilter, AssetFilter)


@dataclass(frozen=True, slots=True)
class Narrowed(Generic[F]):
    """A filter, in which order, and which page; without paging for what is only counted."""

    filter: F
    sort: Sort
    limit: int
    after: int | None


def tasks_asked_for(request: Request, *, paged: bool = True) -> Narrowed[TaskFilter]:
    """Raises Invalid that names the parameter."""
    values = {"status": tuple(TaskStatus), "conflict": ("true", "false"), "sort": _SORTS["tasks"]}
    query = list_query(request, _allowed(TASK_PARAMETERS, paged), values=values, repeatable=("tag",), paged=paged)
    wanted = _task_filter(query)
    return Narrowed(wanted, _sort(query), query.limit, query.after)


def assets_asked_for(request: Request, *, paged: bool = True) -> Narrowed[AssetFilter]:
    """Raises Invalid that names the parameter."""
    values = {
        "status": tuple(AssetStatus),
        "format": tuple(ImageFormat),
        "conflict": ("true", "false"),
        "sort": _SORTS["assets"],
    }
    query = list_query(request, _allowed(ASSET_PARAMETERS, paged), values=values, repeatable=("tag",), paged=paged)
    given = query.filters
    wanted = AssetFilter(
        status=given.get("status"),
        format=given.get("format"),
        task_id=given.get("task_id"),
        host=given["host"].lower() if "host" in given else None,
        size=_size(given.get("size")),
        least_bytes=_bytes("min_bytes", given.get("min_bytes")),
        most_bytes=_bytes("max_bytes", given.get("max_bytes")),
        archived=_span(given, "archived"),
        task=_task_filter(query, of_asset=True),
        conflicts=query.conflicts,
    )
    return Narrowed(wanted, _sort(query), query.limit, query.after)


def _allowed(parameters: tuple[str, ...], paged: bool) -> tuple[str, ...]:
    return (*parameters, "sort") if paged else parameters


def _task_filter(query: ListQuery, *, of_asset: bool = False) -> TaskFilter:
    given = query.filters
    return TaskFilter(
        status=given.get("status") if not of_asset else None,
        model=given.get("model"),
        source=given.get("source"),
        ref=given.get("ref"),
        search=_search(given.get("q"), query.many.get("tag", ())),
        received=_span(given, "received"),
        conflicts=query.conflicts and not of_asset,
    )


def _search(text: str | None, tags: tuple[str, ...]) -> Search:
    """The words of `q`, and each tag, which is a name, or a name and its value with a colon between them."""
    if len(tags) > MOST_TAGS:
        raise Invalid("invalid_parameter", f"tag may be given {MOST_TAGS} times")
    if text is not None and len(text) > LONGEST_SEARCH:
        raise Invalid("invalid_parameter", f"q takes at most {LONGEST_SEARCH} characters")
    wanted = search_for(text or "")
    if text is not None and wanted.is_empty:
        raise Invalid("invalid_parameter", "q takes words, and has none: letters, digits or characters of a script")
    return Search(wanted.terms | {exact("tag", tag) for tag in tags}, wanted.beginnings, wanted.runs)


def _sort(query: ListQuery) -> Sort:
    return Sort(query.filters.get("sort", Sort.NEWEST))


def _span(given: Mapping[str, str], name: str) -> Span:
    return Span(_moment(given, f"{name}_after"), _moment(given, f"{name}_before"))


def _moment(given: Mapping[str, str], name: str) -> datetime | None:
    try:
        return moment(given[name]) if name in given else None
    except ValueError as error:
        raise Invalid("invalid_parameter", f"{name} {error}") from None


def _size(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    if (found := _SIZE.fullmatch(text)) is None:
        raise Invalid("invalid_parameter", "size takes width and height in pixels, such as 1024x1536")
    return int(found[1]), int(found[2])


def _bytes(name: str, text: str | None) -> int | None:
    if text is None:
        return None
    if _BYTES.fullmatch(text) is None:
        raise Invalid("invalid_parameter", f"{name} takes a whole number of bytes")
    return int(text)
