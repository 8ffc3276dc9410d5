"""The sweep of orphans: bytes in the store that no image needs are removed, each after it was written down.

An orphan is what a deleted image left, and what lies beside an archived image under its number. Bytes that might be an
image which the catalog has lost are none: `verify` tells of them, and a person decides.
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial

from service.catalog.catalog import Catalog, Transaction
from service.catalog.tasks import TaskState
from service.domain.asset import AssetStatus, Stored
from service.domain.audit import Action, Actor
from service.storage import Entry, ObjectStore
from service.upkeep.file_check import FileCheck
from service.upkeep.findings import Finding, Kind
from service.upkeep.row_check import Tell
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
                    if await self._is_orphan(finding):
                        await self._remove(finding, sizes[finding.key])

    async def _pages(self) -> AsyncGenerator[list[Entry], None]:
        page: list[Entry] = []
        async for entry in self._store.list():
            page.append(entry)
            if len(page) == FILES_TOGETHER:
                yield page
                page = []
        if page:
            yield page

    async def _is_orphan(self, finding: Finding) -> bool:
        """Whether the catalog says that nobody needs it, and the store that what is needed instead is there."""
        state = await self._catalog.read(lambda tx: tx.tasks.get(finding.task_id) if finding.task_id else None)
        if finding.kind is Kind.DELETED_BYTES:
            return True
        stored = stored_instead(finding, state)
        return stored is not None and await self._store.size(stored.object_key) == stored.size

    async def _remove(self, finding: Finding, size: int) -> None:
        if not self._dry_run:
            await self._catalog.write(partial(_note, finding=finding), by=self._by)
            if not await self._store.delete(finding.key):
                return  # somebody was quicker
        self._swept(Orphan(finding.key, size, finding.detail))


def stored_instead(finding: Finding, state: TaskState | None) -> Stored | None:
    """The bytes that were archived under the number that a leftover has; None where there are none."""
    if finding.kind is not Kind.LEFTOVER or finding.index is None or state is None:
        return None
    asset = state.assets[finding.index]
    return asset.stored if asset.status is AssetStatus.ARCHIVED else None


def _note(tx: Transaction, *, finding: Finding) -> None:
    tx.audit.note(Action.ORPHAN_REMOVED, finding.task_id, key=finding.key, why=finding.detail)
