"""Raw callbacks are kept for a time after their task has settled; once an hour those whose time is over are cleared.

No pass clears more than a day beyond the one before it, so that a clock which is set far ahead can be set right again.
"""

import asyncio
from datetime import datetime, timedelta
from functools import partial

import structlog

from service.catalog.catalog import Catalog, Transaction
from service.catalog.clearing import Cleared, Place

TOGETHER = 200
"""Callbacks that one transaction looks at: intake waits for no more than these."""

PAUSE_SECONDS = 0.05

REACHED = "retention:reached"
"""The mark that tells up to when the last pass has cleared."""

log = structlog.get_logger(__name__)


class RawBodies:
    """Clears bodies and kept headers `after` their task has settled; hashes, verdicts and times stay."""

    def __init__(self, *, catalog: Catalog, after: timedelta) -> None:
        self._catalog = catalog
        self._after = after

    async def clear(self) -> int:
        """One pass over what is old enough; returns how many callbacks were cleared."""
        before = await self._catalog.write(lambda tx: tx.marks.advance(REACHED, tx.now - self._after))
        cleared = await self._catalog.write(partial(_some, before=before, after=None))
        number = cleared.number
        while cleared.next is not None:
            await asyncio.sleep(PAUSE_SECONDS)
            cleared = await self._catalog.write(partial(_some, before=before, after=cleared.next))
            number += cleared.number
        if number:
            log.info("callbacks_cleared", count=number)
        return number


def _some(tx: Transaction, *, before: datetime, after: Place | None) -> Cleared:
    return tx.clearing.clear(before, limit=TOGETHER, after=after)
