"""Events that have reached everybody are kept for a time; once an hour those whose time is over are removed.

What is dead stays until somebody replays it. No pass removes more than a day beyond the one before it, so that a clock
which is set far ahead can be set right again.
"""

import asyncio
from datetime import datetime
from functools import partial

import structlog

from service.catalog.catalog import Catalog, Transaction
from service.domain.announcement import KEPT
from service.domain.clock_step import clear_before

EVERY_SECONDS = 3600.0
TOGETHER = 200
"""Deliveries that one transaction removes."""

PAUSE_SECONDS = 0.05

REACHED = "events:reached"
"""The mark that tells up to when the last pass has removed."""

log = structlog.get_logger(__name__)


class Forgetting:
    """Removes what was delivered long ago, and what it told."""

    def __init__(self, *, catalog: Catalog) -> None:
        self._catalog = catalog

    async def run(self) -> None:
        while True:
            await self.forget()
            await asyncio.sleep(EVERY_SECONDS)

    async def forget(self) -> int:
        """One pass over what is old enough; returns how many deliveries were removed."""
        before = await self._catalog.write(_begin)
        number = 0
        while removed := await self._catalog.write(partial(_some, before=before)):
            number += removed
            await asyncio.sleep(PAUSE_SECONDS)
        if number:
            log.info("events_forgotten", count=number)
        return number


def _begin(tx: Transaction) -> datetime:
    """Up to when this pass removes, noted for the next one."""
    reached = tx.marks.get(REACHED)
    before = clear_before(tx.now - KEPT, reached)
    tx.marks.set(REACHED, max(before, reached or before))
    return before


def _some(tx: Transaction, *, before: datetime) -> int:
    return tx.events.forget(before, limit=TOGETHER)
