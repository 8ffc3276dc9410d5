"""Renews the leases of what a worker is at, all in one transaction."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from service.archive.worker import Worker
from service.catalog.catalog import Catalog, Transaction
from service.domain.lease import RENEW_EVERY

C = TypeVar("C")


class Leases(Generic[C]):
    """Runs beside a worker; a lease that is not renewed in time is somebody else's, and the fence sees to it."""

    def __init__(
        self, *, catalog: Catalog, worker: Worker[C], renew: Callable[[Transaction, Sequence[C]], None]
    ) -> None:
        self._catalog = catalog
        self._worker = worker
        self._renew = renew

    async def run(self) -> None:
        while True:
            await asyncio.sleep(RENEW_EVERY.total_seconds())
            held = self._worker.held
            if held:
                await self._catalog.write(lambda tx: self._renew(tx, held))  # noqa: B023 - awaited at once
