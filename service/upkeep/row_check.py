"""What the catalog says, held against the store: the bytes of archived images, and sidecars. It changes nothing."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from service.archive.sidecar_reader import LONGEST, Unreadable, read_sidecar
from service.catalog.catalog import Catalog
from service.catalog.tasks import TaskState
from service.domain.asset import Asset, AssetStatus, Stored
from service.domain.object_key import asset_key, sidecar_key
from service.domain.task import Task
from service.storage import ObjectStore
from service.upkeep.contradiction import differences, knows_more
from service.upkeep.findings import Finding, Kind
from service.upkeep.stored_bytes import Trouble, measure, read_small

READ_AT_ONCE = 4
"""Objects read side by side."""


@dataclass(frozen=True, slots=True)
class Seen:
    """How much was looked at; `size` in bytes. `in_motion` is what somebody is about to write or remove."""

    tasks: int = 0
    images: int = 0
    size: int = 0
    sidecars: int = 0
    files: int = 0
    in_motion: int = 0

    def __add__(self, more: "Seen") -> "Seen":
        return Seen(
            self.tasks + more.tasks,
            self.images + more.images,
            self.size + more.size,
            self.sidecars + more.sidecars,
            self.files + more.files,
            self.in_motion + more.in_motion,
        )


Tell = Callable[[Seen], None]


class RowCheck:
    """Looks at tasks; `hashing` reads every image whole, otherwise sizes have to do. Raises Unavailable."""

    def __init__(self, *, catalog: Catalog, store: ObjectStore, hashing: bool) -> None:
        self._catalog = catalog
        self._store = store
        self._hashing = hashing
        self._turn = asyncio.Semaphore(READ_AT_ONCE)

    async def look(self, task_ids: Sequence[str], tell: Tell) -> list[Finding]:
        """What is wrong with these tasks just now, in their order; `tell` hears what was looked at."""
        states = await self._catalog.read(lambda tx: tx.tasks.load(task_ids))
        looks = (self._task(states[task_id], tell) for task_id in task_ids if task_id in states)
        return [finding for found in await asyncio.gather(*looks) for finding in found]

    async def _task(self, state: TaskState, tell: Tell) -> list[Finding]:
        archived = [asset for asset in state.assets if asset.status is AssetStatus.ARCHIVED]
        looks = (self._image(state.task, asset, tell) for asset in archived)
        found = [finding for finding in await asyncio.gather(*looks) if finding is not None]
        sidecar = await self._sidecar(state, tell)
        tell(Seen(tasks=1, in_motion=sum(_in_motion(asset) for asset in state.assets)))
        return [*found, sidecar] if sidecar is not None else found

    async def _image(self, task: Task, asset: Asset, tell: Tell) -> Finding | None:
        stored = asset.stored
        if stored is None or stored.object_key != _right_key(task, asset, stored):
            key = stored.object_key if stored is not None else asset.id
            detail = "archived under a name that does not follow from its hash"
            return Finding(Kind.WRONG_KEY, key, detail, task.id, asset.index)
        async with self._turn:
            measured = await measure(self._store, stored.object_key, hashing=self._hashing)
        if measured is None or isinstance(measured, Trouble):
            tell(Seen(images=1))
            kind = Kind.MISSING if measured is None else Kind.UNREADABLE
            detail = "archived, and not there" if measured is None else measured.detail
            return Finding(kind, stored.object_key, detail, task.id, asset.index)
        tell(Seen(images=1, size=measured.size))
        if measured.size != stored.size:
            detail = f"{measured.size} bytes instead of {stored.size}"
            return Finding(Kind.WRONG_SIZE, stored.object_key, detail, task.id, asset.index)
        if measured.sha256 is not None and measured.sha256 != stored.sha256:
            detail = f"SHA-256 {measured.sha256} instead of {stored.sha256}"
            return Finding(Kind.WRONG_HASH, stored.object_key, detail, task.id, asset.index)
        return None

    async def _sidecar(self, state: TaskState, tell: Tell) -> Finding | None:
        task = state.task
        if task.archive_date is None:
            return None
        if task.version > task.sidecar_version:
            tell(Seen(in_motion=1))  # it is due: somebody will write it
            return None
        key = sidecar_key(task.source, task.archive_date, task.id)
        async with self._turn:
            data = await read_small(self._store, key, LONGEST)
        tell(Seen(sidecars=1))
        if data is None:
            return Finding(Kind.SIDECAR_MISSING, key, "the task has none", task.id)
        if isinstance(data, Trouble):
            return Finding(Kind.UNREADABLE, key, data.detail, task.id)
        judged = _judged(key, data, state)
        return Finding(judged[0], key, judged[1], task.id) if judged is not None else None


def _in_motion(asset: Asset) -> bool:
    """Whether it is about to be archived, or its bytes are about to be removed."""
    return asset.status is AssetStatus.PENDING or (asset.status is AssetStatus.DELETED and not asset.purged)


def _right_key(task: Task, asset: Asset, stored: Stored) -> str | None:
    if task.archive_date is None:
        return None
    return asset_key(task.source, task.archive_date, task.id, asset.index, stored.sha256, stored.image.format)


def _judged(key: str, data: bytes, state: TaskState) -> tuple[Kind, str] | None:
    """What is wrong with a sidecar that shows, as the row has it, the task's version."""
    read = read_sidecar(key, data)
    if isinstance(read, Unreadable):
        return Kind.SIDECAR_NEWER if read.newer else Kind.SIDECAR_UNREADABLE, read.reason
    told, known = read.task.version, state.task.version
    if told > known or knows_more(read, state):
        return Kind.SIDECAR_AHEAD, f"it tells of version {told}, the catalog of {known}, or of images it does not have"
    if told < known:
        return Kind.SIDECAR_STALE, f"it shows version {told} of {known}"
    differing = differences(read, state)
    return (Kind.SIDECAR_CONTRADICTS, f"it differs in {', '.join(differing)}") if differing else None
