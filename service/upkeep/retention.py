"""Raw callbacks are kept for a time after their task has settled; once an hour those whose time is over are cleared."""

import asyncio
from datetime import timedelta
from functools import partial

import structlog

from service.catalog.catalog import Catalog, Transaction
from service.catalog.clearing import Cleared, Place

EVERY_SECONDS = 3600.0
TOGETHER = 200
"""Callbacks that one transaction looks at: intake waits for no more than these."""

PAUSE_SECONDS = 0.05

log = structlog.get_logger(__name__)


class Retention:
    """Clears bodies and kept headers `after` their task has settled; hashes, verdicts and times stay."""

    def __init__(self, *, catalog: Catalog, after: timedelta) -> None:
        self._catalog = catalog
        self._after = after

    async def run(self) -> None:
        while True:
            await self.clear()
            await asyncio.sleep(EVERY_SECONDS)

    async def clear(self) -> int:
        """One pass over what is old enough; returns how many callbacks were cleared."""
        cleared = await self._catalog.write(partial(self._some, after=None))
        number = cleared.number
        while cleared.next is not None:
            await asyncio.sleep(PAUSE_SECONDS)
            cleared = await self._catalog.write(partial(self._some, after=cleared.next))
            number += cleared.number
        if number:
            log.info("callbacks_cleared", count=number)
        return number

    def _some(self, tx: Transaction, *, after: Place | None) -> Cleared:
        return tx.clearing.clear(tx.now - self._after, limit=TOGETHER, after=after)
