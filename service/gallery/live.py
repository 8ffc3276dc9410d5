"""What goes on just now, told to every page that listens: one look at the database for all, while there are any.

A look takes its time from what it costs: a large archive is counted less often, so that watching never loads it.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from service.catalog.catalog import Catalog, Transaction
from service.catalog.figures import Figures
from service.domain.api_key import ApiKey
from service.domain.asset import AssetStatus
from service.domain.moment import rfc3339
from service.errors import CatalogUnavailable, Unavailable
from service.gallery.door import Door
from service.observability.seldom import Seldom
from service.web.browsers import Browsers

LOOK_EVERY = 1.0
COUNT_SHARE = 0.02
"""Of the time that counting everything may take."""

BEAT_SECONDS = 15.0
"""How long a quiet stream stays quiet: proxies end what says nothing."""

MOST_LISTENERS = 200


@dataclass(frozen=True, slots=True)
class Pulse:
    """What changes while one watches."""

    tasks: int
    archived: int
    unconfirmed: int
    pending: int
    waiting: int
    dead: int
    bytes: int
    next_expiry: str | None
    newest: str | None
    """When the newest image was archived."""


class Pulses:
    """The last pulse, looked up while anybody listens."""

    def __init__(self, catalog: Catalog, *, draining: Callable[[], bool], look_every: float = LOOK_EVERY) -> None:
        self._catalog = catalog
        self._draining = draining
        self._look_every = look_every
        self._listeners = 0
        self._looking: asyncio.Task[None] | None = None
        self._changed = asyncio.Condition()
        self._pulse: Pulse | None = None
        self._figures: Figures | None = None
        self._counted_at, self._count_took = float("-inf"), 0.0
        self._troubles = Seldom("live_look_failed")

    def require_room(self) -> None:
        """Raises Unavailable where too many listen."""
        if self._listeners >= MOST_LISTENERS:
            raise Unavailable("too many pages watch already")

    @contextmanager
    def listening(self) -> Iterator[None]:
        self._listeners += 1
        if self._looking is None:
            self._looking = asyncio.create_task(self._look())
        try:
            yield
        finally:
            self._listeners -= 1
            if self._listeners == 0 and self._looking is not None:
                self._looking.cancel()
                self._looking = None

    async def next(self, known: Pulse | None, *, within: float) -> Pulse | None:
        """Another pulse than the one that is known, as soon as there is one; the same after so many seconds."""
        try:
            async with asyncio.timeout(within), self._changed:
                await self._changed.wait_for(lambda: self._pulse != known or self._draining())
        except TimeoutError:
            pass
        return self._pulse

    async def _look(self) -> None:
        while True:
            try:
                pulse: Pulse | None = await self._catalog.read(self._read)
            except CatalogUnavailable:
                pulse = self._pulse
            except Exception as error:  # noqa: BLE001 - pages that listen are not to wait for a look that never comes
                self._troubles.tell(reason=type(error).__name__)
                pulse = self._pulse
            async with self._changed:
                self._pulse = pulse
                self._changed.notify_all()
            await asyncio.sleep(self._look_every)

    def _read(self, tx: Transaction) -> Pulse:
        figures, waiting = self._counted(tx), tx.work.waiting()
        return Pulse(
            tasks=sum(figures.tasks.values()),
            archived=figures.assets[AssetStatus.ARCHIVED],
            unconfirmed=figures.unconfirmed,
            pending=waiting.assets,
            waiting=waiting.tasks,
            dead=figures.tasks["dead"] + figures.assets[AssetStatus.DEAD],
            bytes=figures.archived_bytes,
            next_expiry=rfc3339(waiting.next_expiry),
            newest=rfc3339(tx.kept.newest()),
        )

    def _counted(self, tx: Transaction) -> Figures:
        """Everything counted, not long ago."""
        began = time.monotonic()
        if self._figures is None or began - self._counted_at > self._count_took / COUNT_SHARE:
            self._figures = tx.figures.count()
            self._counted_at, self._count_took = began, time.monotonic() - began
        return self._figures


class LiveRoute:
    """`/live`: pulses as server-sent events (WHATWG HTML, 9.2), until the key ends or we do."""

    def __init__(self, pulses: Pulses, *, browsers: Browsers, draining: Callable[[], bool]) -> None:
        self._pulses = pulses
        self._browsers = browsers
        self._draining = draining

    def routes(self, door: Door) -> list[Route]:
        return [door.page("/live", self.live)]

    async def live(self, request: Request, key: ApiKey) -> Response:  # noqa: ARG002
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        if request.method == "HEAD":  # nobody would see that it never ends
            return Response(media_type="text/event-stream", headers=headers)
        self._pulses.require_room()
        return StreamingResponse(self._events(request), media_type="text/event-stream", headers=headers)

    async def _events(self, request: Request) -> AsyncIterator[str]:
        with self._pulses.listening():
            known: Pulse | None = None
            yield "retry: 3000\n\n"
            while True:
                pulse = await self._pulses.next(known, within=BEAT_SECONDS)
                if self._draining() or not isinstance(self._browsers.key_of(request), ApiKey):
                    return
                changed = pulse is not None and pulse != known
                yield f"data: {json.dumps(asdict(pulse))}\n\n" if pulse is not None and changed else ": still here\n\n"
                known = pulse
