"""The wall: images by any filter, newest first, in pages that a script asks for while somebody scrolls.

The order is that of archiving, so that a day can be jumped to and what is new comes first.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from functools import partial
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from service.catalog.catalog import Catalog, Transaction
from service.catalog.exporting import ListedImage
from service.catalog.facets import Facets
from service.catalog.filters import AssetFilter, Sort, Span
from service.catalog.queries import Page
from service.domain.api_key import ApiKey
from service.domain.asset import AssetStatus, split_asset_id
from service.gallery.door import Door
from service.gallery.first_steps import FirstSteps
from service.gallery.forms import without_blanks
from service.gallery.site import Site
from service.gallery.tiles import Tile, tile_of
from service.web.narrowing import ASSET_PARAMETERS, ASSET_SORT, asset_filter, sort_of
from service.web.paging import CURSOR, LARGEST_LIMIT, cursor_of
from service.web.parameters import Day, Parameter, YesNo, read_parameters

TILES = 60

DAY = Parameter("day", "Begin with the images of this day.", Day())
SINCE = Parameter("since", "Archived on this day or later.", Day())
UNTIL = Parameter("until", "Archived on this day or before.", Day())
NEWER = Parameter("newer", "The page that comes before the cursor instead of after it.", YesNo())
_PARAMETERS = (*ASSET_PARAMETERS, ASSET_SORT, CURSOR, DAY, SINCE, UNTIL, NEWER)
_PLACE = frozenset({"cursor", "day", "newer"})
"""What says where to begin, and not what is shown."""

_FACETS = ("model", "size", "format", "tag", "source", "host")

_EVER = Span(after=datetime(1970, 1, 1, tzinfo=UTC))
_EVER_UPWARDS = Span(before=datetime(9999, 1, 1, tzinfo=UTC))
"""All that was ever archived, in its order; bounded on the side where a page does not begin, as an index is entered at
one bound only."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody wants to see, and from where on."""

    wanted: AssetFilter
    sort: Sort
    after: int | None
    day: date | None
    newer: bool
    narrowed: Mapping[str, tuple[str, ...]]

    @property
    def query(self) -> str:
        """What is shown, as a query string without the place."""
        return urlencode(self.narrowed, doseq=True)

    @property
    def typed(self) -> str:
        """The words that are searched for, as somebody typed them."""
        return " ".join(self.narrowed.get("q", ())).removesuffix("*")

    @property
    def chips(self) -> list[tuple[str, str, str]]:
        """Filters: name, value, and the query string without it."""
        pairs = [(name, value) for name, values in self.narrowed.items() if name != "sort" for value in values]
        return [(name, value, self.toggled(name, value)) for name, value in pairs]

    def has(self, name: str, value: str) -> bool:
        return value in self.narrowed.get(name, ())

    def toggled(self, name: str, value: str) -> str:
        """The query string with this value in place of others of its name, or without it where it is there; tags and
        images come beside others."""
        held = self.narrowed.get(name, ())
        others = tuple(one for one in held if one != value) if name in ("tag", "id") else ()
        values = others if value in held else (*others, value)
        return urlencode({**self.narrowed, name: values}, doseq=True)


@dataclass(frozen=True, slots=True)
class WallPage:
    """Tiles; the cursors of what comes before and after them, None where nothing does."""

    tiles: list[Tile]
    newer: str | None
    older: str | None


class Wall:
    """`/`, its pages, and how what is shown divides."""

    def __init__(self, *, catalog: Catalog, site: Site, public_url: str) -> None:
        self._catalog = catalog
        self._site = site
        self._steps = FirstSteps(public_url)

    def routes(self, door: Door) -> list[Route]:
        return [
            door.page("/", self.whole),
            door.page("/wall", self.part),
            door.page("/wall/facets", self.facets),
        ]

    async def whole(self, request: Request, key: ApiKey) -> Response:
        return await self.response(request, key)

    async def response(self, request: Request, key: ApiKey, *, from_image: str | None = None, **more: Any) -> Response:
        """The wall, which begins with an image if that is on it, and with `more` what lies beside it."""
        asked = asked_for(request)
        page, waiting = await self._catalog.read(
            lambda tx: (page_of(tx, _from(tx, asked, from_image)), tx.work.waiting())
        )
        said: dict[str, Any] = {"image": None, "steps": self._steps, **more}
        return self._site.page(request, "wall.html", key=key, asked=asked, page=page, waiting=waiting, **said)

    async def part(self, request: Request, key: ApiKey) -> Response:
        asked = asked_for(request)
        page = await self._catalog.read(partial(page_of, asked=asked))
        return self._site.page(request, "wall_page.html", key=key, asked=asked, page=page)

    async def facets(self, request: Request, key: ApiKey) -> Response:
        asked = asked_for(request)
        found: Facets = await self._catalog.read(lambda tx: tx.facets.assets(asked.wanted))
        shown = [(name, found.values.get(name, {})) for name in _FACETS]
        return self._site.page(
            request,
            "facets.html",
            key=key,
            asked=asked,
            facets=found,
            shown=[one for one in shown if _divides(*one, asked)],
        )


def _divides(name: str, values: Mapping[str, int], asked: Asked) -> bool:
    """Whether there is something to choose between, or to take back."""
    return len(values) > 1 or (bool(values) and name in asked.narrowed)


def asked_for(request: Request) -> Asked:
    """Raises Invalid that names the parameter. What is not asked for by status is what is there to be seen."""
    request = without_blanks(request)
    given = dict(read_parameters(request, _PARAMETERS, of="the gallery"))
    wanted = asset_filter(given)
    if wanted.status is None:
        wanted = replace(wanted, status=AssetStatus.ARCHIVED)
    if "since" in given or "until" in given:
        wanted = replace(wanted, archived=_days(given.get("since"), given.get("until")))
    by_words = not wanted.task.search.is_empty  # those go in the order of their tasks, which is nearly the same
    if wanted.status == AssetStatus.ARCHIVED and wanted.archived.is_empty and not by_words:
        wanted = replace(wanted, archived=_EVER)
    query = request.query_params
    if "day" in given and sort_of(given) in (Sort.LARGEST, Sort.SMALLEST):
        del given["sort"]  # there is no day to begin with in an order by size
    narrowed = {name: tuple(query.getlist(name)) for name in query if name not in _PLACE and name in given}
    return Asked(wanted, sort_of(given), given.get("cursor"), given.get("day"), bool(given.get("newer")), narrowed)


def _days(since: date | None, until: date | None) -> Span:
    """From the beginning of a day to the end of another, in UTC."""
    after = datetime.combine(since, time.min, UTC) if since is not None else None
    return Span(after, datetime.combine(until, time.max, UTC) if until is not None else None)


def page_of(tx: Transaction, asked: Asked) -> WallPage:
    """The page that begins where it was asked for."""
    if asked.newer and asked.after is not None:
        return _newer(tx, asked, asked.after)
    after = asked.after if asked.day is None else _before_day(tx, asked, asked.day)
    found = _images(tx, asked.wanted, limit=TILES, after=after, sort=asked.sort)
    tiles = [tile_of(one) for one in found.items]
    older = cursor_of(found.next) if found.next is not None else None
    newer = cursor_of(tiles[0].number) if after is not None and tiles else None
    return WallPage(tiles, newer, older)


def _from(tx: Transaction, asked: Asked, asset_id: str | None) -> Asked:
    """From this image on, wherever else that would be."""
    where = split_asset_id(asset_id) if asset_id is not None else None
    if where is None:
        return asked
    of_task = tx.export.images(replace(asked.wanted, task_id=where[0]), limit=LARGEST_LIMIT)
    number = next((one.number for one in of_task.items if one.asset.id == asset_id), None)
    if number is None:
        return asked
    before = _images(tx, asked.wanted, limit=1, after=number, sort=_BACKWARDS[asked.sort])
    return replace(asked, day=None, newer=False, after=before.items[0].number if before.items else None)


def _newer(tx: Transaction, asked: Asked, before: int) -> WallPage:
    """The page that ends before that row."""
    found = _images(tx, asked.wanted, limit=TILES, after=before, sort=_BACKWARDS[asked.sort])
    tiles = [tile_of(one) for one in reversed(found.items)]
    newer = cursor_of(found.next) if found.next is not None else None
    return WallPage(tiles, newer, cursor_of(tiles[-1].number) if tiles else None)


def _images(tx: Transaction, wanted: AssetFilter, *, limit: int, after: int | None, sort: Sort) -> Page[ListedImage]:
    if sort is Sort.OLDEST and wanted.archived == _EVER:
        wanted = replace(wanted, archived=_EVER_UPWARDS)
    return tx.export.images(wanted, limit=limit, after=after, sort=sort)


def _before_day(tx: Transaction, asked: Asked, day: date) -> int | None:
    """The row behind which a day begins in the order that was asked for; None where nothing comes before it."""
    archived = asked.wanted.archived
    if asked.sort is Sort.OLDEST:
        passed = Span(archived.after, datetime.combine(day, time.min, UTC))
    else:
        passed = Span(datetime.combine(day, time.max, UTC), archived.before)  # of the last day there is none after
    found = tx.export.images(replace(asked.wanted, archived=passed), limit=1, sort=_BACKWARDS[asked.sort])
    return found.items[0].number if found.items else None


_BACKWARDS = {
    Sort.NEWEST: Sort.OLDEST,
    Sort.OLDEST: Sort.NEWEST,
    Sort.LARGEST: Sort.SMALLEST,
    Sort.SMALLEST: Sort.LARGEST,
}
