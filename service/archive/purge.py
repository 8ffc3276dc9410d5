"""Removes the bytes of deleted assets. The tombstone is written first, so a crash in between loses no deletion."""

from dataclasses import replace
from functools import partial

import structlog

from service.background import Nudge
from service.catalog.catalog import Catalog, Transaction
from service.catalog.tasks import TaskState
from service.catalog.work import ToPurge
from service.domain.asset import AssetStatus
from service.errors import StorageUnavailable
from service.storage import ObjectStore

POLL_SECONDS = 30.0
_AT_ONCE = 100

log = structlog.get_logger(__name__)


class Purge:
    """Deletes what tombstones name, for ever; deleting twice is harmless."""

    def __init__(self, *, catalog: Catalog, store: ObjectStore, nudge: Nudge) -> None:
        self._catalog = catalog
        self._store = store
        self._nudge = nudge

    async def run(self) -> None:
        while True:
            await self.purge_all()
            await self._nudge.wait(POLL_SECONDS)

    async def purge_all(self) -> None:
        """Purge what tombstones name; what the store does not give up is left for the next round, the rest is not."""
        after = 0
        while found := await self._catalog.read(partial(_to_purge, after=after)):
            for one in found:
                try:
                    await self._purge(one)
                except StorageUnavailable as error:
                    log.error("purge_failed", task_id=one.task_id, index=one.index, reason=str(error))
            after = found[-1].seq

    async def _purge(self, one: ToPurge) -> None:
        """Delete whatever lies under the asset's index, also bytes that a crash left and no row tells of."""
        async for entry in self._store.list(f"{one.folder}/{one.index}-"):
            await self._store.delete(entry.key)
        await self._catalog.write(partial(_mark_purged, task_id=one.task_id, index=one.index))


def _to_purge(tx: Transaction, *, after: int) -> list[ToPurge]:
    return tx.work.to_purge(_AT_ONCE, after=after)


def _mark_purged(tx: Transaction, *, task_id: str, index: int) -> None:
    state = tx.tasks.get(task_id)
    if state is None or state.assets[index].status is not AssetStatus.DELETED:
        return
    assets = tuple(replace(one, purged=True) if one.index == index else one for one in state.assets)
    tx.tasks.save([(state, TaskState(state.task, assets))])
