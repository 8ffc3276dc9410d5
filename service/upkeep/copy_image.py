"""One image from one store into another: hashed on its way, read back, and held against what its row and name say."""

from service.catalog.transfer import KeptImage
from service.domain.place import Place
from service.errors import StorageUnavailable
from service.storage import ObjectStore
from service.storage.health import require_healthy
from service.upkeep.copied import Copied
from service.upkeep.copy_staged import StagedCopy, require_read_back
from service.upkeep.findings import Finding, Kind
from service.upkeep.stored_bytes import Measured, Trouble, measure

_APPENDED_AT_ONCE = 4
"""Blocks for one visit to a thread."""

Brought = tuple[Copied, Finding | None]


class ImageCopy:
    """Copies images. Raises StorageUnavailable when a store is ill, or the target does not keep what it is given."""

    def __init__(self, *, source: ObjectStore, target: ObjectStore) -> None:
        self._source = source
        self._target = target

    async def bring(self, key: str, place: Place, archived: KeptImage | None, *, is_there: bool) -> Brought:
        """Have the target hold the image, and say what is wrong with the source's bytes.

        They are copied as they are, except over bytes of the target that are the right ones. `archived` is the row that
        tells of the image, if there is one.
        """
        if is_there:
            here = await measure(self._source, key, hashing=True)
            there = await measure(self._target, key, hashing=True)
            wrong = _wrong(key, place, archived, here)
            if here is None or isinstance(here, Trouble) or here == there:
                return Copied(there_already=1), wrong
            if wrong is not None and _wrong(key, place, archived, there) is None:
                return Copied(there_already=1), wrong
        staged = StagedCopy(self._target)
        try:
            here = await self._fetched(key, staged)
            if isinstance(here, Measured):
                await self._target.put(key, staged.path)
        finally:
            staged.discard()
        wrong = _wrong(key, place, archived, here)
        if here is None or isinstance(here, Trouble):
            return Copied(), wrong  # deleted since it was listed, or cannot be read
        await require_read_back(self._target, key, here)
        return Copied(objects=1, size=here.size, mended=int(is_there)), wrong

    async def is_right(self, key: str, archived: KeptImage) -> bool:
        """Whether the target holds the bytes that a row tells of."""
        there = await measure(self._target, key, hashing=True)
        return isinstance(there, Measured) and (there.size, there.sha256) == (archived.size, archived.sha256)

    async def _fetched(self, key: str, staged: StagedCopy) -> Measured | Trouble | None:
        """The source's bytes in a staged file; only what the source says is held against the source."""
        try:
            blocks = await self._source.read(key)
        except StorageUnavailable as error:
            return await self._trouble(key, error)
        if blocks is None:
            return None
        waiting: list[bytes] = []
        while True:
            try:
                block = await anext(blocks, None)
            except StorageUnavailable as error:
                return await self._trouble(key, error)
            if block is None:
                break
            waiting.append(block)
            if len(waiting) >= _APPENDED_AT_ONCE:
                await staged.append(waiting)
        await staged.append(waiting)
        return Measured(staged.size, staged.sha256)

    async def _trouble(self, key: str, error: StorageUnavailable) -> Trouble:
        await require_healthy(self._source, key)
        return Trouble(str(error))


def _wrong(key: str, place: Place, archived: KeptImage | None, found: Measured | Trouble | None) -> Finding | None:
    """What is wrong with bytes that are in a store; None also where there are none."""
    if found is None:
        return None
    task_id, index = place.task_id, place.index
    if isinstance(found, Trouble):
        return Finding(Kind.UNREADABLE, key, found.detail, task_id, index)
    if archived is not None and archived.size != found.size:
        return Finding(Kind.WRONG_SIZE, key, f"{found.size} bytes instead of {archived.size}", task_id, index)
    if archived is not None and archived.sha256 != found.sha256:
        return Finding(Kind.WRONG_HASH, key, f"SHA-256 {found.sha256} instead of {archived.sha256}", task_id, index)
    named = place.name.partition("-")[2].partition(".")[0]
    if found.sha256 is not None and not found.sha256.startswith(named):
        return Finding(Kind.WRONG_HASH, key, f"SHA-256 {found.sha256}, which its name does not say", task_id, index)
    return None
