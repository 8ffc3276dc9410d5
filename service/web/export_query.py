"""What an export is asked for: the filters of the lists, read as lists read them, and the form of it.

For HTTP and for the command line alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from starlette.requests import Request

from service.catalog.filters import AssetFilter, Sort, TaskFilter
from service.domain.asset import AssetStatus
from service.errors import Invalid
from service.upkeep.export import Format
from service.upkeep.export_sidecar import Sidecars
from service.web.narrowing import (
    ASSET_PARAMETERS,
    ASSET_SORT,
    TASK_PARAMETERS,
    TASK_SORT,
    asset_filter,
    sort_of,
    task_filter,
)
from service.web.paging import CURSOR
from service.web.parameters import OneOf, Parameter, Whole, read_parameters

_MOST = 999_999_999
_FORMAT = Parameter(
    "format",
    "Lines of JSON (ndjson), a table (csv), or images with sidecars and a manifest (zip).",
    OneOf(tuple(Format)),
    example="ndjson",
    required=True,
)
_OF = Parameter("of", "What lines and rows are of; a ZIP goes by images.", OneOf(("assets", "tasks")), usual="assets")
_LIMIT = Parameter("limit", "How many at most; without it all.", Whole(1, _MOST), code="invalid_limit")
_SIDECARS = Parameter(
    "sidecars",
    "In a ZIP: without the provider's links and answers, or whole, which takes the scope `admin`.",
    OneOf(tuple(Sidecars)),
    usual=str(Sidecars.PUBLIC),
)
_OWN = (_FORMAT, _OF, _LIMIT, _SIDECARS)

_IMAGE_FORMAT = "image_format"
"""The lists' `format` of images, as an export has a format of its own."""

_OF_ASSETS = tuple(replace(one, name=_IMAGE_FORMAT) if one.name == "format" else one for one in ASSET_PARAMETERS)
NARROWS = {
    "assets": (*_OF_ASSETS, ASSET_SORT, CURSOR),
    "tasks": (*TASK_PARAMETERS, TASK_SORT, CURSOR),
}
"""What narrows an export, by what it is of."""


def _of_either(one: Parameter) -> Parameter:
    """A parameter of images, or of tasks by the same name with words of their own."""
    other = next((other for other in NARROWS["tasks"] if other.name == one.name), one)
    if one == other or not (isinstance(one.takes, OneOf) and isinstance(other.takes, OneOf)):
        return one
    words = tuple(dict.fromkeys((*one.takes.words, *other.takes.words)))
    return replace(one, says=f"{one.says} With of=tasks it takes {', '.join(other.takes.words)}.", takes=OneOf(words))


FILTERS = tuple({one.name: one for one in (*NARROWS["tasks"], *map(_of_either, NARROWS["assets"]))}.values())
"""What narrows an export, whatever it is of."""

EXPORT_PARAMETERS = (*_OWN, *FILTERS)
"""All that an export takes."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Which rows, in which order and form; from the first one, or after another, and all or at most so many."""

    format: Format
    wanted: AssetFilter | TaskFilter
    sort: Sort
    after: int | None
    limit: int | None
    sidecars: Sidecars

    @property
    def name(self) -> str:
        """What it is called where it becomes a file."""
        of = "images" if self.format is Format.ZIP else "tasks" if isinstance(self.wanted, TaskFilter) else "assets"
        return f"darkroom-{of}"


def export_asked_for(pairs: Sequence[tuple[str, str]]) -> Asked:
    """Raises Invalid that names the parameter."""
    of = dict(pairs).get("of", "assets")
    given = dict(read_parameters(_request(pairs), (*_OWN, *NARROWS.get(of, NARROWS["assets"])), of="an export"))
    form = Format(given.pop("format"))
    if "sidecars" in given and form is not Format.ZIP:
        raise Invalid("invalid_parameter", "sidecars are in a ZIP only")
    sidecars = Sidecars(given.get("sidecars", Sidecars.PUBLIC))
    if _IMAGE_FORMAT in given:
        given["format"] = given.pop(_IMAGE_FORMAT)
    wanted = task_filter(given) if of == "tasks" else asset_filter(given)
    wanted = _archived(wanted) if form is Format.ZIP else wanted
    return Asked(form, wanted, sort_of(given), given.get("cursor"), given.get("limit"), sidecars)


def _archived(wanted: AssetFilter | TaskFilter) -> AssetFilter:
    """Of images, those that have bytes."""
    if isinstance(wanted, TaskFilter):
        raise Invalid("invalid_parameter", "a ZIP goes by images: of=assets, or leave it out")
    if wanted.status not in (None, AssetStatus.ARCHIVED):
        raise Invalid("invalid_parameter", "a ZIP has what is archived: status=archived, or leave it out")
    return replace(wanted, status=AssetStatus.ARCHIVED.value)


def _request(given: Sequence[tuple[str, str]]) -> Request:
    """These parameters as the lists read theirs."""
    return Request({"type": "http", "query_string": urlencode(given).encode(), "headers": []})
