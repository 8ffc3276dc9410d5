"""Has everything found that came before there was an index of words: after an upgrade, a copy or a rebuild.

Once for each database: whatever is written from now on is indexed in its own transaction. It may be broken off
anywhere, since indexing a task again changes nothing.
"""

import asyncio
from functools import partial

import structlog

from service.catalog.catalog import Catalog, Transaction
from service.catalog.marks import SEARCH_FILLED

TOGETHER = 100
"""Tasks of one transaction: intake waits for no more than these."""

PAUSE_SECONDS = 0.02

log = structlog.get_logger(__name__)


class SearchFilling:
    """Runs once, and then has nothing left to do."""

    def __init__(self, *, catalog: Catalog) -> None:
        self._catalog = catalog

    async def run(self) -> None:
        await self.fill()
        await asyncio.Event().wait()

    async def fill(self) -> None:
        """Go through all tasks, unless that was done before."""
        if await self._catalog.read(lambda tx: tx.marks.get(SEARCH_FILLED)) is not None:
            return
        place: int | None = 0
        while place is not None:
            place = await self._catalog.write(partial(_some, after=place))
            await asyncio.sleep(PAUSE_SECONDS)
        log.info("search_filled")


def _some(tx: Transaction, *, after: int) -> int | None:
    place = tx.search.catch_up(after, TOGETHER)
    if place is None:
        tx.marks.set(SEARCH_FILLED, tx.now)
    return place
