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

    async def forget(self) -> int:
        """One pass over what is old enough; returns how many deliveries were removed."""
        before = await self._catalog.write(lambda tx: tx.marks.advance(REACHED, tx.now - KEPT))
        number = 0
        while removed := await self._catalog.write(partial(_some, before=before)):
            number += removed
            await asyncio.sleep(PAUSE_SECONDS)
        if number:
            log.info("events_forgotten", count=number)
        return number


def _some(tx: Transaction, *, before: datetime) -> int:
    return tx.events.forget(before, limit=TOGETHER)
