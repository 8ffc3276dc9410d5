"""Says again and again which endpoints this process knows, and sees who is known to nobody any more.

Settings of processes differ while they are being changed, and a command may know no endpoint at all. So none is taken
out before nobody has known it for an hour, as this process has seen it: not by a clock that may be set.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Protocol

import structlog

from service.catalog.catalog import Catalog, Transaction
from service.domain.announcement import CALLER
from service.notify.endpoint import Endpoint
from service.notify.listeners import dismiss, enrol, heard

EVERY_SECONDS = 60.0
SILENT_SECONDS = 3600.0
TOGETHER = 100
"""Deliveries that one transaction gives up."""

WHY = "no endpoint of this name is configured"

log = structlog.get_logger(__name__)

_Heard = dict[str, datetime | None]


class Tally(Protocol):
    def delivery(self, outcome: str) -> None: ...


class Enrolment:
    """Has our endpoints listen; `clock` gives seconds that only ever go on."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        endpoints: Sequence[Endpoint],
        tally: Tally,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._catalog = catalog
        self._endpoints = endpoints
        self._tally = tally
        self._clock = clock
        self._seen: dict[str, tuple[datetime | None, float]] = {}  # when each was last heard, and when we first saw it

    async def run(self) -> None:
        while True:
            await self.renew()
            await asyncio.sleep(EVERY_SECONDS)

    async def renew(self) -> None:
        """Renew what we know, and let go of what nobody has renewed for an hour."""
        listening, waiting = await self._catalog.write(partial(_renewed, endpoints=self._endpoints))
        moment = self._clock()
        fresh = {one: (at, moment) for one, at in {**listening, **waiting}.items()}
        kept = {one: seen for one, seen in self._seen.items() if one in fresh and fresh[one][0] == seen[0]}
        self._seen = {**fresh, **kept}
        silent = [one for one, (_, since) in self._seen.items() if moment - since >= SILENT_SECONDS]
        for one in sorted(set(silent) & listening.keys()):
            if await self._catalog.write(partial(dismiss, listening=one, last=listening[one])):
                log.warning("endpoint_dismissed", endpoint=one, reason="nobody has known it for an hour")
        for one in sorted(set(silent) & waiting.keys()):
            await self._give_up(one)

    async def _give_up(self, name: str) -> None:
        """End all that waits for an endpoint."""
        number = 0
        while ended := await self._catalog.write(partial(_some, name=name)):
            number += ended
            for _ in range(ended):
                self._tally.delivery("dead")
            await asyncio.sleep(0)
        if number:
            log.warning("events_given_up", endpoint=name, count=number, reason=WHY)


def _renewed(tx: Transaction, *, endpoints: Sequence[Endpoint]) -> tuple[_Heard, _Heard]:
    """When each `name:kind` of somebody else was last heard, and each such name that something waits for."""
    enrol(tx, endpoints)
    ours = {one.name for one in endpoints}
    wanted = {f"{one.name}:{kind.value}" for one in endpoints for kind in one.kinds}
    listening = {one: at for one, at in heard(tx).items() if one not in wanted}
    waiting = [name for name in tx.events.waiting_endpoints() if name != CALLER and name not in ours]
    return listening, {name: _last(name, listening) for name in waiting}


def _last(name: str, listening: _Heard) -> datetime | None:
    """When anybody last knew an endpoint of this name."""
    return max((at for one, at in listening.items() if at is not None and one.startswith(f"{name}:")), default=None)


def _some(tx: Transaction, *, name: str) -> int:
    came_back = any(one.startswith(f"{name}:") for one in heard(tx))
    return 0 if came_back else tx.events.give_up(name, WHY, limit=TOGETHER)
