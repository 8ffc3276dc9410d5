"""The sweep of orphans: bytes in the store that no image needs are removed, each after it was written down.

An orphan is what a deleted image left, and what lies beside an archived image under its number. Bytes that might be an
image which the catalog has lost are none: `verify` tells of them, and a person decides.
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from enum import Enum
from functools import partial

from service.catalog.catalog import Catalog, Transaction
from service.catalog.tasks import TaskState
from service.domain.asset import AssetStatus, Stored
from service.domain.audit import Action, Actor
from service.storage import Entry, ObjectStore
from service.upkeep.file_check import FileCheck
from service.upkeep.findings import Finding, Kind
from service.upkeep.row_check import Tell
from service.upkeep.stored_bytes import Measured, measure
from service.upkeep.verify import FILES_TOGETHER, LOOK_AGAIN_AFTER


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
        async with aclosing(self._pages()) as pages:
            async for page in pages:
                sizes = {entry.key: entry.size for entry in page}
                for finding in await self._files.look_twice(page, self._tell, again_after=self._look_again_after):
                    if await self._remove(finding):
                        self._swept(Orphan(finding.key, sizes[finding.key], finding.detail))

    async def _pages(self) -> AsyncGenerator[list[Entry], None]:
        page: list[Entry] = []
        async for entry in self._store.list():
            page.append(entry)
            if len(page) == FILES_TOGETHER:
                yield page
                page = []
        if page:
            yield page

    async def _remove(self, finding: Finding) -> bool:
        """Remove it if it is an orphan, and what is needed instead is there, to the last bit; whether it was one."""
        instead = await self._catalog.read(partial(_instead, finding=finding))
        if isinstance(instead, Stored):
            found = await measure(self._store, instead.object_key, hashing=True)
            if not isinstance(found, Measured) or found.sha256 != instead.sha256:
                return False
        if instead is None or self._dry_run:
            return instead is not None
        if not await self._catalog.write(partial(_noted, finding=finding, instead=instead), by=self._by):
            return False
        return await self._store.delete(finding.key)


class Nothing(Enum):
    """What is needed of a deleted image."""

    NOTHING = "nothing"


def instead_of(finding: Finding, state: TaskState | None) -> Stored | Nothing | None:
    """What makes bytes an orphan: others that are archived in their place, or a tombstone; None where neither is."""
    if state is None or finding.index is None:
        return None
    asset = state.assets[finding.index]
    if finding.kind is Kind.DELETED_BYTES:
        return Nothing.NOTHING if asset.status is AssetStatus.DELETED else None
    is_archived = finding.kind is Kind.LEFTOVER and asset.status is AssetStatus.ARCHIVED
    if not is_archived or asset.stored is None or asset.stored.object_key == finding.key:
        return None
    return asset.stored


def _instead(tx: Transaction, *, finding: Finding) -> Stored | Nothing | None:
    return instead_of(finding, tx.tasks.get(finding.task_id) if finding.task_id is not None else None)


def _noted(tx: Transaction, *, finding: Finding, instead: Stored | Nothing) -> bool:
    """Write down that it goes, if that is still so; nobody changes the task meanwhile."""
    if _instead(tx, finding=finding) != instead:
        return False
    tx.audit.note(Action.ORPHAN_REMOVED, finding.task_id, key=finding.key, why=finding.detail)
    return True
