"""The sweep of orphans: bytes in the store that no image needs are removed, each after it was written down.

An orphan is what a deleted image left, and what lies beside an archived image under its number. Bytes that might be an
image which the catalog has lost are none: `verify` tells of them, and a person decides.
"""

from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial

from service.catalog.catalog import Catalog, Transaction
from service.domain.asset import Asset, AssetStatus
from service.domain.audit import Action, Actor
from service.storage import ObjectStore
from service.upkeep.file_check import FileCheck, pages_of
from service.upkeep.findings import Finding, Kind
from service.upkeep.row_check import Tell
from service.upkeep.stored_bytes import Measured, measure
from service.upkeep.verify import LOOK_AGAIN_AFTER


@dataclass(frozen=True, slots=True)
class Orphan:
    """Bytes that nobody needs: their key and size, and why."""

    key: str
    size: int
    why: str


class Sweep:
    """Goes through the store; `swept` hears of every orphan, `tell` of what was looked at. Raises Unavailable."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        store: ObjectStore,
        by: Actor,
        swept: Callable[[Orphan], None],
        tell: Tell,
        dry_run: bool = False,
        look_again_after: float = LOOK_AGAIN_AFTER,
    ) -> None:
        self._catalog = catalog
        self._store = store
        self._by = by
        self._swept = swept
        self._tell = tell
        self._dry_run = dry_run
        self._files = FileCheck(catalog=catalog, store=store)
        self._look_again_after = look_again_after

    async def run(self) -> None:
        async with aclosing(pages_of(self._store)) as pages:
            async for page in pages:
                sizes = {entry.key: entry.size for entry in page}
                for finding in await self._files.look_twice(page, self._tell, again_after=self._look_again_after):
                    if await self._remove(finding):
                        self._swept(Orphan(finding.key, sizes[finding.key], finding.detail))

    async def _remove(self, finding: Finding) -> bool:
        """Remove it if it is an orphan, and what is needed instead is there, to the last bit; whether it was one."""
        asset = await self._catalog.read(partial(_whose, finding=finding))
        if asset is None or not is_orphan(finding, asset) or not await self._is_kept_well(asset):
            return False
        if self._dry_run:
            return True
        noted = await self._catalog.write(partial(_noted, finding=finding, asset=asset), by=self._by)
        return noted and await self._store.delete(finding.key)

    async def _is_kept_well(self, asset: Asset) -> bool:
        """Whether what is archived is there, to the last bit; so it is where nothing is."""
        if asset.stored is None or asset.status is AssetStatus.DELETED:
            return True
        found = await measure(self._store, asset.stored.object_key, hashing=True)
        return isinstance(found, Measured) and found.sha256 == asset.stored.sha256


def is_orphan(finding: Finding, asset: Asset) -> bool:
    """Whether bytes lie there for a tombstone, or beside those that are archived under their number."""
    if finding.kind is Kind.DELETED_BYTES:
        return asset.status is AssetStatus.DELETED
    is_archived = finding.kind is Kind.LEFTOVER and asset.status is AssetStatus.ARCHIVED
    return is_archived and asset.stored is not None and asset.stored.object_key != finding.key


def _whose(tx: Transaction, *, finding: Finding) -> Asset | None:
    if finding.task_id is None or finding.index is None:
        return None
    state = tx.tasks.get(finding.task_id)
    return state.assets[finding.index] if state is not None else None


def _noted(tx: Transaction, *, finding: Finding, asset: Asset) -> bool:
    """Write down that it goes, if the image is as it was; nobody changes the task meanwhile."""
    now = _whose(tx, finding=finding)
    if now is None or (now.status, now.stored) != (asset.status, asset.stored):
        return False
    tx.audit.note(Action.ORPHAN_REMOVED, finding.task_id, key=finding.key, why=finding.detail)
    return True
