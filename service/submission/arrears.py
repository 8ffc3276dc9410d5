"""Counts what tasks cost that ended before costs were counted in this database: after an upgrade, or a rebuild.

Once for each database: whatever ends from now on is counted when its sidecar is written. It may be broken off anywhere,
since counting a task again changes nothing.
"""

import asyncio
from functools import partial

import structlog

from service.catalog.catalog import Catalog, Transaction
from service.catalog.marks import COSTS_COUNTED
from service.submission.booking import book
from service.submission.price_list import Prices

TOGETHER = 200
"""Tasks that are looked up at once; each is counted in a transaction of its own, as many wait for the sums."""

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
        if await self._catalog.read(lambda tx: tx.marks.get(COSTS_COUNTED)) is not None:
            return 0
        number, after = 0, 0
        while uncounted := await self._catalog.read(partial(_uncounted, after=after)):
            for _, task_id in uncounted:
                await self._catalog.write(partial(_book, task_id=task_id, prices=self._prices))
            number, after = number + len(uncounted), uncounted[-1][0]
        await self._catalog.write(lambda tx: tx.marks.set(COSTS_COUNTED, tx.now))
        if number:
            log.info("costs_counted", tasks=number)
        return number


def _uncounted(tx: Transaction, *, after: int) -> list[tuple[int, str]]:
    return tx.spending.uncounted(after, TOGETHER)


def _book(tx: Transaction, *, task_id: str, prices: Prices) -> None:
    if (state := tx.tasks.get(task_id)) is not None:
        book(tx, state, prices)
