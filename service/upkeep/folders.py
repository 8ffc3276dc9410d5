"""A listing of the store as the folders of tasks, one after the other. A folder is all that is held in memory."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass

from service.domain.place import SIDECAR, place_of
from service.domain.thumbnail import pictured
from service.storage import Entry


@dataclass(frozen=True, slots=True)
class Folder:
    """What lies in a task's folder: sizes in bytes by key."""

    path: str
    task_id: str
    sizes: Mapping[str, int]

    @property
    def sidecar(self) -> str:
        """The key that its sidecar has, if there is one."""
        return f"{self.path}/{SIDECAR}"


async def folders(entries: AsyncIterator[Entry], stray: Callable[[Entry], None]) -> AsyncIterator[Folder]:
    """Folders of entries that come in the order of their keys; `stray` gets what lies in none and is no thumbnail."""
    path, task_id, sizes = "", "", dict[str, int]()
    async for entry in entries:
        place = place_of(entry.key)
        if place is None:
            if pictured(entry.key) is None:
                stray(entry)
            continue
        if place.folder != path and sizes:
            yield Folder(path, task_id, sizes)
            sizes = {}
        path, task_id = place.folder, place.task_id
        sizes[entry.key] = entry.size
    if sizes:
        yield Folder(path, task_id, sizes)
