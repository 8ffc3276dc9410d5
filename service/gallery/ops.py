"""`/ops`: whether anything is about to be lost, what came in, what is dead and why, and what it all cost."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from service.bootstrap.weaknesses import Weakness
from service.catalog.activity import Hour
from service.catalog.catalog import Catalog, Transaction
from service.catalog.filters import AssetFilter, TaskFilter
from service.domain.api_key import ApiKey
from service.domain.asset import AssetStatus
from service.domain.task import Task, TaskStatus
from service.gallery.chart import Bars, bars
from service.gallery.door import Door
from service.gallery.forms import without_blanks
from service.gallery.site import Site
from service.gallery.tiles import Tile, tile_of
from service.intake.readiness import Readiness
from service.web.answers.callbacks import CallbackDocument
from service.web.answers.figures import StatsDocument
from service.web.costs import Asked
from service.web.documents import callback_document
from service.web.inbox import CALLBACK_PARAMETERS, REFUSED, found_callbacks
from service.web.paging import CURSOR, cursor_of
from service.web.parameters import read_parameters
from service.web.refused import RefusedCallback, RefusedCallbacks
from service.web.stats import StatsRoutes

SHOWN = 20


@dataclass(frozen=True, slots=True)
class Looked:
    """What `/ops` shows, as of one moment."""

    stats: StatsDocument
    hours: Sequence[Hour]
    dead_tasks: Sequence[Task]
    dead_images: Sequence[Tile]

    @property
    def callbacks(self) -> Bars:
        return bars([(one.begin, one.callbacks) for one in self.hours])

    @property
    def slowest(self) -> Bars:
        return bars([(one.begin, one.slowest_seconds) for one in self.hours])

    @property
    def spent(self) -> Bars:
        return bars([(date.fromisoformat(one["day"]), one["usd"]) for one in self.stats["cost"]["days"]])


@dataclass(frozen=True, slots=True)
class Inbox:
    """Callbacks, and where the next ones begin; `narrowed` by what."""

    callbacks: Sequence[CallbackDocument]
    next: str | None
    narrowed: dict[str, str]
    refused: Sequence[RefusedCallback] | None = None
    """What was turned away, where that was asked for: in this process, since it began."""


class Operations:
    """`weaknesses` are those of this process's settings; `readiness` tells what is wrong with it just now."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        site: Site,
        stats: StatsRoutes,
        weaknesses: Sequence[Weakness],
        readiness: Readiness,
        refused: RefusedCallbacks,
    ) -> None:
        self._catalog = catalog
        self._site = site
        self._stats = stats
        self._weaknesses = weaknesses
        self._readiness = readiness
        self._refused = refused

    def routes(self, door: Door) -> list[Route]:
        return [door.page("/ops", self.whole)]

    async def whole(self, request: Request, key: ApiKey) -> Response:
        looked = await self._catalog.read(partial(_look, stats=self._stats))
        return self._site.page(
            request,
            "ops.html",
            key=key,
            looked=looked,
            stats=looked.stats,
            inbox=await self._inbox(request),
            weaknesses=self._weaknesses,
            problems=self._readiness.problems,
        )

    async def _inbox(self, request: Request) -> Inbox:
        request = without_blanks(request)
        given = dict(read_parameters(request, _INBOX, of="this page"))
        if given.get("verdict") == REFUSED:
            return Inbox([], None, {"verdict": REFUSED}, self._refused.newest_first())
        after = given.pop("cursor", None)
        found = await self._catalog.read(partial(found_callbacks, given=given, after=after, limit=SHOWN))
        following = cursor_of(found.next) if found.next is not None else None
        narrowed = {name: request.query_params[name] for name in given}
        return Inbox([callback_document(row) for row in found.items], following, narrowed)


_INBOX = (*CALLBACK_PARAMETERS, CURSOR)


def _look(tx: Transaction, *, stats: StatsRoutes) -> Looked:
    dead_tasks = tx.query.tasks(TaskFilter(status=TaskStatus.DEAD, conflicts=True), limit=SHOWN)
    dead_images = tx.export.images(AssetFilter(status=AssetStatus.DEAD), limit=SHOWN)
    return Looked(
        stats=stats.document(tx, asked=Asked()),
        hours=tx.activity.hours(tx.now),
        dead_tasks=dead_tasks.items,
        dead_images=[tile_of(one) for one in dead_images.items],
    )
