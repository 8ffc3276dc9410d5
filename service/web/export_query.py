"""What an export is asked for: the filters of the lists, read as lists read them, and the form of it.

For HTTP and for the command line alike.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from starlette.requests import Request

from service.catalog.filters import AssetFilter, Sort, TaskFilter
from service.domain.asset import AssetStatus
from service.errors import Invalid
from service.upkeep.export import Format
from service.upkeep.export_sidecar import Sidecars
from service.web.narrowing import ASSET_PARAMETERS, TASK_PARAMETERS, assets_asked_for, tasks_asked_for
from service.web.parameters import single_parameters

OWN = ("format", "of", "limit", "sidecars")
"""What lists do not have, or have otherwise."""

_NAMES = {"format": "image_format"}
"""Filters of the lists that have another name here, as an export has a format of its own."""

FILTERS = {
    of: tuple(_NAMES.get(name, name) for name in (*names, "sort", "cursor"))
    for of, names in (("assets", ASSET_PARAMETERS), ("tasks", TASK_PARAMETERS))
}
"""What narrows an export, by what it is of."""
_LIMIT = re.compile(r"[1-9][0-9]{0,8}")


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


def export_asked_for(given: Sequence[tuple[str, str]]) -> Asked:
    """Raises Invalid that names the parameter."""
    of = dict(given).get("of", "assets")
    known = (*OWN, *FILTERS.get(of, FILTERS["assets"]))
    own = single_parameters(_request(given), known, of="an export", repeatable=("tag",))
    form = Format(_one_of(own, "format", tuple(Format), None))
    _one_of(own, "of", tuple(FILTERS), "assets")
    sidecars = Sidecars(_one_of(own, "sidecars", tuple(Sidecars), Sidecars.PUBLIC))
    if "sidecars" in own and form is not Format.ZIP:
        raise Invalid("invalid_parameter", "sidecars are in a ZIP only")
    listed = {_NAMES.get(name, name): name for name in (*ASSET_PARAMETERS, *TASK_PARAMETERS)}
    rest = _request([(listed.get(name, name), value) for name, value in given if name not in OWN])
    asked = tasks_asked_for(rest) if of == "tasks" else assets_asked_for(rest)
    wanted = _archived(asked.filter) if form is Format.ZIP else asked.filter
    return Asked(form, wanted, asked.sort, asked.after, _limit(own.get("limit")), sidecars)


def _archived(wanted: AssetFilter | TaskFilter) -> AssetFilter:
    """Of images, those that have bytes."""
    if isinstance(wanted, TaskFilter):
        raise Invalid("invalid_parameter", "a ZIP goes by images: of=assets, or leave it out")
    if wanted.status not in (None, AssetStatus.ARCHIVED):
        raise Invalid("invalid_parameter", "a ZIP has what is archived: status=archived, or leave it out")
    return replace(wanted, status=AssetStatus.ARCHIVED.value)


def _one_of(given: Mapping[str, str], name: str, takes: tuple[str, ...], usual: str | None) -> str:
    value = given.get(name, usual)
    if value not in takes:
        raise Invalid("invalid_parameter", f"{name} takes one of {', '.join(takes)}")
    return value


def _limit(text: str | None) -> int | None:
    if text is None:
        return None
    if _LIMIT.fullmatch(text) is None:
        raise Invalid("invalid_limit", "limit takes a whole number from 1 to 999999999")
    return int(text)


def _request(given: Sequence[tuple[str, str]]) -> Request:
    """These parameters as the lists read theirs."""
    return Request({"type": "http", "query_string": urlencode(given).encode(), "headers": []})
