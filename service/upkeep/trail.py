"""The audit trail is kept for a time, and keys that have ended as long; once an hour what is older is removed.

As with raw bodies, no pass removes more than a day beyond the one before it.
"""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import structlog

from service.catalog.catalog import Catalog, Transaction

TOGETHER = 200
"""Rows that one transaction removes: intake waits for no more than these."""

PAUSE_SECONDS = 0.05

REACHED = "audit:reached"
"""The mark that tells up to when the last pass has removed."""

log = structlog.get_logger(__name__)

Forget = Callable[[Transaction], int]


class TrailRetention:
    """Removes rows of the trail `after` they were written, and keys so long after their end."""

    def __init__(self, *, catalog: Catalog, after: timedelta) -> None:
        self._catalog = catalog
        self._after = after

    async def clear(self) -> int:
        """One pass over what is old enough; returns how many rows were removed."""
        before = await self._catalog.write(lambda tx: tx.marks.advance(REACHED, tx.now - self._after))
        number = await self._all(lambda tx: tx.audit.forget(before, limit=TOGETHER))
        number += await self._all(lambda tx: tx.keys.forget(before, limit=TOGETHER))
        if number:
            log.info("audit_cleared", count=number)
        return number

    async def _all(self, forget: Forget) -> int:
        number = some = await self._catalog.write(forget)
        while some == TOGETHER:
            await asyncio.sleep(PAUSE_SECONDS)
            some = await self._catalog.write(forget)
            number += some
        return number
