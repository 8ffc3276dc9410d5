"""What the query string of a list asks for, as a filter of the catalog; says by name what is wrong with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from starlette.requests import Request

from service.catalog.filters import AssetFilter, Sort, Span, TaskFilter
from service.domain.asset import AssetStatus, split_asset_id
from service.domain.image import ImageFormat
from service.domain.object_key import TASK_ID, is_task_id
from service.domain.task import TaskStatus
from service.domain.words import Search, exact, search_for
from service.errors import Invalid
from service.web.paging import list_query
from service.web.parameters import Like, Moment, OneOf, Parameter, Text, Whole, YesNo

MOST_TAGS = 8
MOST_IDS = 500
"""As many as somebody picks by hand: an address with so many is about 20 KB long."""
LONGEST_SEARCH = 1000

_SEARCH = "Words of prompt, `ref`, tags or error message; all have to be there. `light*` is a word's beginning."
_TAG = "A tag's name, or its name and value with a colon between them."
_AN_ID = "task-unified-1757165031-abcdefgh.0"
_EDGE = "[1-9][0-9]{0,5}"
_MOST_BYTES = 10**15 - 1


class _AssetId:
    """The id of an image. A wrong one is named, as many may be given."""

    schema: Mapping[str, Any] = {"type": "string", "pattern": rf"^{TASK_ID.pattern}\.(0|[1-9][0-9]{{0,3}})$"}

    def read(self, text: str) -> tuple[str, int]:
        where = split_asset_id(text)
        if where is None or not is_task_id(where[0]):
            raise ValueError(f"takes ids of images, such as {_AN_ID}, and {text[:200]!r} is none")
        return where


def _edges(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    return int(width), int(height)


_OF_TASK = (
    Parameter("model", "The model that was asked for.", example="gpt-image-2"),
    Parameter("source", "The provider.", example="evolink"),
    Parameter("ref", "Your name for the task.", example="order-1234"),
    Parameter("tag", _TAG, times=MOST_TAGS, example=["team:shop"]),
    Parameter("q", _SEARCH, Text(LONGEST_SEARCH, "words"), example="lighthouse dusk"),
    Parameter("received_after", "Heard of at this time or later.", Moment(), example="2026-05-01T00:00:00Z"),
    Parameter("received_before", "Heard of before this time.", Moment()),
    Parameter("held", "Whether there is a legal hold on the task.", YesNo()),
)
_CONFLICT = Parameter("conflict", "Also what the provider refuted.", YesNo(), usual=False)
TASK_PARAMETERS = (
    Parameter("status", "Of the task.", OneOf(tuple(TaskStatus)), example="completed"),
    *_OF_TASK,
    _CONFLICT,
)
ASSET_PARAMETERS = (
    Parameter("status", "Of the image.", OneOf(tuple(AssetStatus)), example="archived"),
    Parameter("format", "Of the image.", OneOf(tuple(ImageFormat)), example="png"),
    Parameter("task_id", "Of one task."),
    Parameter("id", "Only this image; of several, any of them.", _AssetId(), times=MOST_IDS, example=[_AN_ID]),
    Parameter("host", "The host that it came from."),
    Parameter(
        "size",
        "Width and height in pixels.",
        Like(f"{_EDGE}x{_EDGE}", "width and height in pixels, such as 1024x1536", _edges),
        example="1024x1536",
    ),
    Parameter("min_bytes", "At least so large.", Whole(0, _MOST_BYTES, " of bytes")),
    Parameter("max_bytes", "At most so large.", Whole(0, _MOST_BYTES, " of bytes")),
    Parameter("archived_after", "Archived at this time or later.", Moment()),
    Parameter("archived_before", "Archived before this time.", Moment()),
    *_OF_TASK,
    _CONFLICT,
)


def _order(*takes: Sort) -> Parameter:
    return Parameter("sort", "In which order; with words or tags, task by task.", OneOf(takes), usual=str(Sort.NEWEST))


TASK_SORT = _order(Sort.NEWEST, Sort.OLDEST)
ASSET_SORT = _order(*Sort)

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
    query = list_query(request, (*TASK_PARAMETERS, TASK_SORT) if paged else TASK_PARAMETERS, paged=paged)
    return Narrowed(task_filter(query.filters), sort_of(query.filters), query.limit, query.after)


def assets_asked_for(request: Request, *, paged: bool = True) -> Narrowed[AssetFilter]:
    """Raises Invalid that names the parameter."""
    query = list_query(request, (*ASSET_PARAMETERS, ASSET_SORT) if paged else ASSET_PARAMETERS, paged=paged)
    return Narrowed(asset_filter(query.filters), sort_of(query.filters), query.limit, query.after)


def task_filter(given: Mapping[str, Any]) -> TaskFilter:
    """The values of TASK_PARAMETERS as a filter; raises Invalid."""
    return _of_task(given, status=given.get("status"), conflicts=bool(given.get("conflict")))


def asset_filter(given: Mapping[str, Any]) -> AssetFilter:
    """The values of ASSET_PARAMETERS as a filter; raises Invalid."""
    return AssetFilter(
        status=given.get("status"),
        format=given.get("format"),
        task_id=given.get("task_id"),
        ids=tuple(dict.fromkeys(given.get("id", ()))),
        host=given["host"].lower() if "host" in given else None,
        size=given.get("size"),
        least_bytes=given.get("min_bytes"),
        most_bytes=given.get("max_bytes"),
        archived=Span(given.get("archived_after"), given.get("archived_before")),
        task=_of_task(given),
        conflicts=bool(given.get("conflict")),
    )


def sort_of(given: Mapping[str, Any]) -> Sort:
    return Sort(given.get("sort", Sort.NEWEST))


def _of_task(given: Mapping[str, Any], *, status: str | None = None, conflicts: bool = False) -> TaskFilter:
    return TaskFilter(
        status=status,
        model=given.get("model"),
        source=given.get("source"),
        ref=given.get("ref"),
        search=_search(given.get("q"), given.get("tag", ())),
        received=Span(given.get("received_after"), given.get("received_before")),
        held=given.get("held"),
        conflicts=conflicts,
    )


def _search(text: str | None, tags: tuple[str, ...]) -> Search:
    """The words of `q`, and each tag."""
    try:
        wanted = search_for(text or "")
    except ValueError as error:
        raise Invalid("invalid_parameter", f"q {error}") from None
    if text is not None and wanted.is_empty:
        raise Invalid("invalid_parameter", "q takes words, and has none: letters, digits or characters of a script")
    return Search(wanted.terms | {exact("tag", tag) for tag in tags}, wanted.beginnings, wanted.runs)
