"""Making the catalog anew from the store alone, while no server runs. It removes and writes nothing in the store.

Folder by folder, each batch one transaction: a run that was killed is begun again, and passes over what is there.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from service.archive.sidecar_reader import LONGEST, SidecarRead, Unreadable, read_sidecar
from service.catalog.catalog import Catalog, Transaction
from service.catalog.engine import Priority
from service.catalog.marks import COSTS_COUNTED
from service.catalog.tasks import TaskState
from service.domain.asset import AssetStatus
from service.domain.rules import Rules
from service.errors import Conflict
from service.storage import Entry, ObjectStore
from service.upkeep.beside import Surroundings
from service.upkeep.findings import Finding, Kind
from service.upkeep.folders import Folder, folders
from service.upkeep.restored import Restored, restored
from service.upkeep.stored_bytes import Trouble, read_small

TOGETHER = 64
"""Folders of one transaction, as long as their sidecars are of common size."""

HEAVY = 16 * 2**20
"""Bytes of sidecars after which a batch ends early."""

READ_AT_ONCE = 4
MARK = "rebuild"
"""The mark of a catalog that a rebuild began: another one may go on with it."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What was put into the catalog; `size` in bytes is that of the archived images."""

    tasks: int = 0
    there_already: int = 0
    archived: int = 0
    size: int = 0
    pending: int = 0
    dead: int = 0
    deleted: int = 0
    open_tasks: int = 0

    def __add__(self, more: "Rebuilt") -> "Rebuilt":
        names = Rebuilt.__slots__
        return Rebuilt(*(getattr(self, name) + getattr(more, name) for name in names))


@dataclass(frozen=True, slots=True)
class _Read:
    """A folder's task as the catalog shall have it, and what is wrong with the folder."""

    restored: Restored
    findings: tuple[Finding, ...]


class Rebuild:
    """Reads everything in the store once. `found` hears what is wrong, `tell` what was put into the catalog."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        store: ObjectStore,
        rules: Rules,
        max_pixels: int,
        now: Callable[[], datetime],
        found: Callable[[Finding], None],
        tell: Callable[[Rebuilt], None],
        verify_bytes: bool = False,
    ) -> None:
        self._catalog = catalog
        self._store = store
        self._rules = rules
        self._now = now
        self._found = found
        self._tell = tell
        self._turn = asyncio.Semaphore(READ_AT_ONCE)
        self._surroundings = Surroundings(store=store, hashing=verify_bytes, max_pixels=max_pixels, turn=self._turn)

    async def run(self) -> None:
        """Rebuild to the end. Raises Conflict for a catalog that has tasks of its own, and Unavailable."""
        await self._catalog.write(_begin)
        batch: list[Folder] = []
        async for folder in folders(self._store.list(), self._stray):
            batch.append(folder)
            if len(batch) >= TOGETHER or sum(one.sizes.get(one.sidecar, 0) for one in batch) >= HEAVY:
                await self._batch(batch)
                batch = []
        await self._batch(batch)
        await self._catalog.write(lambda tx: tx.restore.order(), priority=Priority.WHOLE)

    def _stray(self, entry: Entry) -> None:
        self._found(Finding(Kind.UNKNOWN_FILE, entry.key, "in no task's folder"))

    async def _batch(self, batch: Sequence[Folder]) -> None:
        homes = await self._catalog.read(lambda tx: tx.restore.known([folder.task_id for folder in batch]))
        self._tell(Rebuilt(there_already=len(homes)))
        for folder in batch:
            if homes.get(folder.task_id) not in (None, folder.path):
                self._found(_told_twice(folder, homes[folder.task_id]))
        fresh = [folder for folder in batch if folder.task_id not in homes]
        read: list[_Read] = []
        for folder, one in zip(fresh, await asyncio.gather(*map(self._read, fresh)), strict=True):
            if one is not None and folder.task_id in homes:
                self._found(_told_twice(folder, homes[folder.task_id]))
            elif one is not None:
                homes[folder.task_id] = folder.path
                read.append(one)
        await self._catalog.write(partial(_write, tasks=[one.restored for one in read]))
        for one in read:
            self._tell(_counted(one.restored.state))
            for finding in one.findings:
                self._found(finding)

    async def _read(self, folder: Folder) -> _Read | None:
        """None when the folder tells of no task."""
        read = await self._sidecar(folder)
        if read is None:
            return None
        beside = await self._surroundings.look(folder, read)
        why = {index: finding.detail for index, finding in beside.lost.items() if index not in beside.found}
        result = restored(read, why, beside.found, purged=beside.purged, now=self._now(), rules=self._rules)
        told = [replace(one, done=result.state.assets[index].status.value) for index, one in beside.lost.items()]
        return _Read(result, (*told, *beside.noted))

    async def _sidecar(self, folder: Folder) -> SidecarRead | None:
        key = folder.sidecar
        if key not in folder.sizes:
            for other in folder.sizes:
                self._found(Finding(Kind.NO_SIDECAR, other, "no sidecar lies beside it", folder.task_id))
            return None
        async with self._turn:
            data = await read_small(self._store, key, LONGEST)
        if data is None or isinstance(data, Trouble):
            detail = "gone while it was read" if data is None else data.detail
            self._found(Finding(Kind.UNREADABLE, key, detail, folder.task_id))
            return None
        read = read_sidecar(key, data)
        if isinstance(read, Unreadable):
            kind = Kind.SIDECAR_NEWER if read.newer else Kind.SIDECAR_UNREADABLE
            detail = f"{read.reason}; {len(folder.sizes) - 1} other files lie beside it"
            self._found(Finding(kind, key, detail, folder.task_id))
            return None
        return read


def _begin(tx: Transaction) -> None:
    """Mark the catalog as one that is being rebuilt."""
    if tx.marks.get(MARK) is None and tx.restore.any_task():
        raise Conflict(
            "catalog_has_tasks",
            "the database has tasks already: move it away (darkroom.db, -wal and -shm), or name another one with "
            "DARKROOM_DATABASE_URL, and rebuild into a new one",
        )
    tx.marks.set(MARK, tx.now)
    tx.marks.remove(COSTS_COUNTED)


def _write(tx: Transaction, *, tasks: Sequence[Restored]) -> None:
    """Put tasks in that are not there. History entries get the ids that their callbacks have now."""
    tx.tasks.save([(None, one.state) for one in tasks])
    ids = tx.restore.callbacks([callback for one in tasks for callback in one.callbacks])
    for one in tasks:
        task_id = one.state.task.id
        entries = []
        for entry in one.history:
            body = one.bodies.get(entry.callback_id) if entry.callback_id is not None else None
            entries.append((task_id, replace(entry, callback_id=ids.get((task_id, body)) if body else None)))
        tx.tasks.note(entries)


def _told_twice(folder: Folder, home: str | None) -> Finding:
    return Finding(Kind.LEFTOVER, folder.sidecar, f"another folder tells of its task: {home}", folder.task_id)


def _counted(state: TaskState) -> Rebuilt:
    status = Counter(asset.status for asset in state.assets)
    archived = [asset.stored for asset in state.assets if asset.status is AssetStatus.ARCHIVED]
    return Rebuilt(
        tasks=1,
        archived=len(archived),
        size=sum(stored.size for stored in archived if stored is not None),
        pending=status[AssetStatus.PENDING],
        dead=status[AssetStatus.DEAD],
        deleted=status[AssetStatus.DELETED],
        open_tasks=not state.task.terminal,
    )
