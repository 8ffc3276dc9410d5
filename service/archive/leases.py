"""Renews the leases of what is being worked on, all in one transaction."""

import asyncio

from service.archive.worker import Worker
from service.catalog.catalog import Catalog
from service.catalog.work import ClaimedAsset, ClaimedSidecar
from service.domain.lease import RENEW_EVERY


class Leases:
    """Runs beside the workers; a lease that is not renewed in time is somebody else's, and the fence sees to it."""

    def __init__(self, *, catalog: Catalog, assets: Worker[ClaimedAsset], sidecars: Worker[ClaimedSidecar]) -> None:
        self._catalog = catalog
        self._assets = assets
        self._sidecars = sidecars

    async def run(self) -> None:
        while True:
            await asyncio.sleep(RENEW_EVERY.total_seconds())
            assets, sidecars = self._assets.held, self._sidecars.held
            if assets or sidecars:
                await self._catalog.write(lambda tx: tx.work.renew(assets, sidecars))  # noqa: B023 - awaited at once
