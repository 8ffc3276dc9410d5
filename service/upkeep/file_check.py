"""What lies in the store, held against the catalog by its names, page by page. It changes nothing."""

from collections.abc import Sequence

from service.catalog.catalog import Catalog
from service.domain.place import place_of
from service.domain.thumbnail import pictured
from service.storage import Entry, ObjectStore
from service.upkeep.file_place import judged, judged_thumbnail
from service.upkeep.findings import Finding
from service.upkeep.row_check import Seen, Tell


class FileCheck:
    """Looks at objects of a listing; a sidecar's text is looked at from its task's row. Raises Unavailable."""

    def __init__(self, *, catalog: Catalog, store: ObjectStore) -> None:
        self._catalog = catalog
        self._store = store

    async def look(self, entries: Sequence[Entry], tell: Tell) -> list[Finding]:
        """Which of these objects should not be there just now; `tell` hears what was looked at, but for thumbnails."""
        shown = {entry.key: pictured(entry.key) for entry in entries}
        places = {key: place or place_of(key) for key, place in shown.items()}
        task_ids = sorted({place.task_id for place in places.values() if place is not None})
        states = await self._catalog.read(lambda tx: tx.tasks.load(task_ids))
        found = []
        for key, place in places.items():
            state = states.get(place.task_id) if place is not None else None
            if (image := shown[key]) is not None:
                finding = judged_thumbnail(key, image, state)
            else:
                tell(Seen(files=1))
                finding = judged(key, place, state)
            if finding is not None:
                found.append(finding)
        return found

    async def look_again(self, entries: Sequence[Entry]) -> list[Finding]:
        """As `look`, of those objects that are still there."""
        left = [entry for entry in entries if await self._store.size(entry.key) is not None]
        return await self.look(left, lambda _: None)
