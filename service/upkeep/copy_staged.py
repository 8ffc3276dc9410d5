"""What is on its way into another store: staged there under a name of its own, and read back once it has arrived."""

from service.archive.staged_file import StagedFile, staged_path
from service.errors import StorageUnavailable
from service.storage import ObjectStore
from service.storage.disk import cleaned, disk_trouble
from service.upkeep.stored_bytes import Measured, measure

_MARK = "copy-"
"""Begins the names of staged files, so that those of a copy that was killed can be told from others."""


class StagedCopy(StagedFile):
    """A file on its way into a store."""

    def __init__(self, store: ObjectStore) -> None:
        path = staged_path(store.staging)
        super().__init__(path.with_name(f"{_MARK}{path.name}"))


def clean_staged(store: ObjectStore) -> None:
    """Remove what a copy was killed over; others' files may be on their way. Blocks; raises StorageUnavailable."""
    try:
        cleaned(store.staging, f"{_MARK}*")
    except OSError as error:
        raise disk_trouble("the staging folder", error, store.staging) from error


async def require_read_back(store: ObjectStore, key: str, written: Measured) -> None:
    """Raise StorageUnavailable unless a store gives back what was written to it."""
    if await measure(store, key, hashing=True) != written:
        raise StorageUnavailable(f"{key} was written to the target and reads back differently: look at its health")
