"""Has everything found that came before there was an index of words: after an upgrade, a copy or a rebuild.

Once for each database: whatever is written from now on is indexed in its own transaction. It may be broken off
anywhere, since indexing a task again changes nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial

import structlog

from service.catalog.catalog import Catalog, Transaction
from service.catalog.marks import SEARCH_FILLED

TOGETHER = 100
"""Tasks of one transaction: intake waits for no more than these."""

PAUSE_SECONDS = 0.02

SETTLES_WITHIN = timedelta(hours=1)
"""How long a process of a version without the index may go on, where several share a database."""

log = structlog.get_logger(__name__)


class SearchFilling:
    """Runs once, and then has nothing left to do."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        settles_within: timedelta = SETTLES_WITHIN,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._catalog = catalog
        self._settles_within = settles_within
        self._sleep = sleep

    async def run(self) -> None:
        await self.fill()
        await asyncio.Event().wait()

    async def fill(self) -> None:
        """Go through all tasks, unless that was done before: twice where processes of an older version may write."""
        if await self._catalog.read(lambda tx: tx.marks.get(SEARCH_FILLED)) is not None:
            return
        await self._go_through()
        if self._catalog.shared:
            await self._sleep(self._settles_within.total_seconds())
            await self._go_through()
        await self._catalog.write(lambda tx: tx.marks.set(SEARCH_FILLED, tx.now))
        log.info("search_filled")

    async def _go_through(self) -> None:
        place: int | None = 0
        while place is not None:
            place = await self._catalog.write(partial(_some, after=place))
            await self._sleep(PAUSE_SECONDS)


def _some(tx: Transaction, *, after: int) -> int | None:
    return tx.search.catch_up(after, TOGETHER)
