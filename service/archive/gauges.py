"""Keeps two gauges current: how many assets wait, and how long until a link dies that we still need."""

import asyncio
from datetime import UTC, datetime

from service.catalog.catalog import Catalog
from service.observability import Metrics

EVERY_SECONDS = 5.0


class Gauges:
    def __init__(self, *, catalog: Catalog, metrics: Metrics) -> None:
        self._catalog = catalog
        self._metrics = metrics

    async def run(self) -> None:
        while True:
            await self.update()
            await asyncio.sleep(EVERY_SECONDS)

    async def update(self) -> None:
        waiting = await self._catalog.read(lambda tx: tx.work.waiting())
        self._metrics.waiting(waiting.assets, waiting.next_expiry, now=datetime.now(UTC))
