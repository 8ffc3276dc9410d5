"""One sidecar from one store into another. It is the only object that is replaced, so it is compared in every run."""

from service.archive.sidecar_reader import LONGEST
from service.storage import ObjectStore
from service.upkeep.copied import Copied
from service.upkeep.copy_image import Brought
from service.upkeep.copy_staged import StagedCopy, require_read_back
from service.upkeep.findings import Finding, Kind
from service.upkeep.stored_bytes import Measured, Trouble, read_small


async def copy_sidecar(
    source: ObjectStore, target: ObjectStore, key: str, task_id: str, *, there: int | None
) -> Brought:
    """Have the target hold the same document; `there` is the size that it has now. Raises StorageUnavailable."""
    data = await read_small(source, key, LONGEST)
    if data is None:
        return Copied(), None  # gone since it was listed
    if isinstance(data, Trouble):
        return Copied(), Finding(Kind.UNREADABLE, key, data.detail, task_id)
    if len(data) > LONGEST:
        detail = f"longer than {LONGEST} bytes, and not copied"
        return Copied(), Finding(Kind.SIDECAR_UNREADABLE, key, detail, task_id)
    if there == len(data) and await read_small(target, key, LONGEST) == data:
        return Copied(there_already=1), None
    staged = StagedCopy(target)  # not `replace`, whose staged files nobody knows as a copy's when it is killed
    try:
        await staged.append([data])
        await target.put(key, staged.path)
    finally:
        staged.discard()
    await require_read_back(target, key, Measured(staged.size, staged.sha256))
    return Copied(objects=1, size=staged.size, mended=int(there is not None)), None
