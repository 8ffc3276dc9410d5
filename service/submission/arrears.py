"""Counts what tasks cost that ended before costs were counted in this database: after an upgrade, or a rebuild.

Once for each database: whatever ends from now on is counted when its sidecar is written. It may be broken off anywhere,
since counting a task again changes nothing.
"""

import asyncio
from functools import partial

import structlog

from service.catalog.catalog import Catalog, Transaction
from service.submission.booking import book
from service.submission.price_list import Prices

COUNTED = "costs:counted"
"""The mark of a database in which nothing is left to count."""

TOGETHER = 50
"""Tasks of one transaction: submissions wait for no more than these."""

PAUSE_SECONDS = 0.02

log = structlog.get_logger(__name__)


class Arrears:
    """Runs once, and then has nothing left to do."""

    def __init__(self, *, catalog: Catalog, prices: Prices) -> None:
        self._catalog = catalog
        self._prices = prices

    async def run(self) -> None:
        await self.count()
        await asyncio.Event().wait()

    async def count(self) -> int:
        """Count what was not counted; returns how many tasks that were."""
        if await self._catalog.read(lambda tx: tx.marks.get(COUNTED)) is not None:
            return 0
        number, after = 0, 0
        while (ended := await self._catalog.write(partial(self._some, after=after))) is not None:
            number, after = number + ended[0], ended[1]
            await asyncio.sleep(PAUSE_SECONDS)
        if number:
            log.info("costs_counted", tasks=number)
        return number

    def _some(self, tx: Transaction, *, after: int) -> tuple[int, int] | None:
        """How many were counted, and the last of them; None when there are no more, which is noted."""
        uncounted = tx.spending.uncounted(after, TOGETHER)
        if not uncounted:
            tx.marks.set(COUNTED, tx.now)
            return None
        for _, task_id in uncounted:
            book(tx, task_id, self._prices)
        return len(uncounted), uncounted[-1][0]
