"""Keeps gauges current: what waits to be done, and how long until a link dies that we still need.

All processes on one database show the same, by its clock. One that cannot look sets nothing: what it knew is left out
after a while (see observability.figure), instead of staying at a pleasant value.
"""

import asyncio

from service.catalog.catalog import Catalog
from service.domain.details import Looked
from service.observability import Metrics

EVERY_SECONDS = 5.0


class Gauges:
    """`looked`: how far images are looked at."""

    def __init__(self, *, catalog: Catalog, metrics: Metrics, looked: Looked = Looked.AT_THE_PIXELS) -> None:
        self._catalog = catalog
        self._metrics = metrics
        self._looked = looked

    async def run(self) -> None:
        while True:
            await self.update()
            await asyncio.sleep(EVERY_SECONDS)

    async def update(self) -> None:
        waiting, unclear, untold, unseen, now = await self._catalog.read(
            lambda tx: (
                tx.work.waiting(),
                tx.submissions.unclear(),
                tx.events.waiting(),
                tx.details.waiting(wanted=self._looked),
                tx.now,
            )
        )
        self._metrics.waiting(waiting.assets, waiting.next_expiry, now=now, oldest=waiting.oldest)
        self._metrics.under_way(unclear=unclear, untold=untold.pending, unseen=unseen)
