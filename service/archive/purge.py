"""Removes the bytes of deleted assets. The tombstone is written first, so a crash in between loses no deletion."""

from dataclasses import replace
from functools import partial

from service.background import Nudge
from service.catalog.catalog import Catalog, Transaction
from service.catalog.tasks import TaskState
from service.domain.asset import AssetStatus
from service.storage import ObjectStore

POLL_SECONDS = 30.0
_AT_ONCE = 100


class Purge:
    """Deletes what tombstones name, for ever; deleting twice is harmless."""

    def __init__(self, *, catalog: Catalog, store: ObjectStore, nudge: Nudge) -> None:
        self._catalog = catalog
        self._store = store
        self._nudge = nudge

    async def run(self) -> None:
        while True:
            while await self.step():
                pass
            await self._nudge.wait(POLL_SECONDS)

    async def step(self) -> bool:
        """Purge some; False when nothing was left to do."""
        found = await self._catalog.read(lambda tx: tx.work.to_purge(_AT_ONCE))
        for task_id, index, key in found:
            await self._store.delete(key)
            await self._catalog.write(partial(_mark_purged, task_id=task_id, index=index))
        return bool(found)


def _mark_purged(tx: Transaction, *, task_id: str, index: int) -> None:
    state = tx.tasks.get(task_id)
    if state is None or state.assets[index].status is not AssetStatus.DELETED:
        return
    assets = tuple(replace(one, purged=True) if one.index == index else one for one in state.assets)
    tx.tasks.save([(state, TaskState(state.task, assets))])
