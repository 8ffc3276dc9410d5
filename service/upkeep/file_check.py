"""What lies in the store, held against the catalog by its names, page by page. It changes nothing.

What looks wrong is looked at again after a while, because somebody may be at work on it just then.
"""

import asyncio
from collections.abc import AsyncGenerator, Sequence

from service.catalog.catalog import Catalog
from service.domain.place import place_of
from service.domain.thumbnail import pictured
from service.storage import Entry, ObjectStore
from service.upkeep.file_place import judged, judged_thumbnail
from service.upkeep.findings import Finding
from service.upkeep.row_check import Seen, Tell

FILES_TOGETHER = 200


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

    async def look_twice(self, entries: Sequence[Entry], tell: Tell, *, again_after: float) -> list[Finding]:
        """As `look`, and once more so many seconds later: what was found both times."""
        first = await self.look(entries, tell)
        suspects = {finding.key for finding in first}
        if not suspects:
            return []
        await asyncio.sleep(again_after)
        left = [one for one in entries if one.key in suspects and await self._store.size(one.key) is not None]
        return still(first, await self.look(left, lambda _: None))


async def pages_of(store: ObjectStore, *, after: str = "") -> AsyncGenerator[list[Entry], None]:
    """Everything behind this key, to be looked at page by page. Raises StorageUnavailable."""
    page: list[Entry] = []
    async for entry in store.list():
        if entry.key > after:
            page.append(entry)
        if len(page) >= FILES_TOGETHER:
            yield page
            page = []
    if page:
        yield page


def still(first: Sequence[Finding], again: Sequence[Finding]) -> list[Finding]:
    """What was found both times; whatever changed in between was in motion."""
    known = {(finding.kind, finding.key) for finding in first}
    return [finding for finding in again if (finding.kind, finding.key) in known]
