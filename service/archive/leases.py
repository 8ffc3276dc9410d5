"""Renews the leases of what a worker is at, all in one transaction; a database that is ill is asked again soon."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from service.archive.worker import Worker
from service.catalog.catalog import Catalog, Transaction
from service.domain.lease import RENEW_EVERY
from service.errors import Unavailable
from service.observability.seldom import Seldom

C = TypeVar("C")

AGAIN_AFTER = 1.0
"""Seconds after a renewal that failed: what is left of the leases is not to be slept away."""


class Leases(Generic[C]):
    """Runs beside a worker; a lease that is not renewed in time is somebody else's, and the fence sees to it."""

    def __init__(
        self, *, catalog: Catalog, worker: Worker[C], renew: Callable[[Transaction, Sequence[C]], None]
    ) -> None:
        self._catalog = catalog
        self._worker = worker
        self._renew = renew
        self._outages = Seldom("leases_not_renewed")

    async def run(self) -> None:
        """Renew for ever, whatever becomes of the database."""
        renewed = True
        while True:
            await asyncio.sleep(RENEW_EVERY.total_seconds() if renewed else AGAIN_AFTER)
            renewed = await self._renew_held()

    async def _renew_held(self) -> bool:
        """Whether nothing is left to renew."""
        held = self._worker.held
        if not held:
            return True
        try:
            await self._catalog.write(lambda tx: self._renew(tx, held))
        except Unavailable as error:
            self._outages.tell(reason=str(error), held=len(held))
            return False
        return True
