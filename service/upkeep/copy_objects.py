"""Objects from one store into another: both are listed side by side, and what differs is brought over.

Every object that is written is read back. Memory is constant: a page of names, and a few objects on their way. Images
never change, so those that were proven already are not read again; sidecars do, and are compared in every run.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from service.catalog.catalog import Catalog, Transaction
from service.catalog.transfer import KeptImage
from service.domain.asset import AssetStatus
from service.domain.place import Place, place_of
from service.domain.thumbnail import pictured
from service.errors import StorageUnavailable
from service.storage import Entry, ObjectStore
from service.upkeep.copied import Copied, Tell
from service.upkeep.copy_image import ImageCopy
from service.upkeep.copy_journal import CopyJournal
from service.upkeep.copy_sidecar import copy_sidecar
from service.upkeep.copy_staged import clean_staged
from service.upkeep.findings import Finding, Kind

TOGETHER = 128
"""Objects of a page, of which the journal is told."""

AT_ONCE = 8
TASKS_TOGETHER = 100


@dataclass(frozen=True, slots=True)
class Pair:
    """An object as the two listings show it; a size in bytes, or None where it is not."""

    key: str
    here: int | None
    there: int | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an object; `kept` when it is the archived image that its row tells of, in the target too."""

    copied: Copied = field(default_factory=Copied)
    finding: Finding | None = None
    kept: bool = False


class ObjectCopy:
    """Copies objects. `catalog` is the source's; `found` hears what is wrong in the source. Raises Unavailable."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        source: ObjectStore,
        target: ObjectStore,
        found: Callable[[Finding], None],
        tell: Tell,
        quick: bool = False,
    ) -> None:
        self._catalog = catalog
        self._source = source
        self._target = target
        self._found = found
        self._tell = tell
        self._quick = quick
        self._images = ImageCopy(source=source, target=target)
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._kept = 0

    async def expected(self) -> int:
        """About how many objects there are."""
        figures = await self._catalog.read(lambda tx: tx.figures.count())
        return figures.assets[AssetStatus.ARCHIVED.value] + sum(figures.tasks.values())

    async def copy(self, journal: CopyJournal, *, alone: bool) -> None:
        """Bring over all that differs. `alone`: nobody changes the source, so what its rows miss is lost."""
        await self._refuse_an_empty_store()
        await asyncio.to_thread(clean_staged, self._target)
        trusted, begin, page = journal.after, "", list[Pair]()
        async for pair in side_by_side(_without_thumbnails(self._source.list()), self._target.list()):
            page.append(pair)
            if len(page) >= TOGETHER:
                await self._page(page, journal, begin=begin, trusted=trusted)
                begin, page = page[-1].key, []
        if page:
            await self._page(page, journal, begin=begin, trusted=trusted)
        if alone and self._kept < await self._archived():
            await self._name_missing()

    async def _page(self, page: Sequence[Pair], journal: CopyJournal, *, begin: str, trusted: str) -> None:
        if journal.after > begin and any(pair.here not in (None, pair.there) for pair in page):
            journal.note([], begin)  # what is written now is not proven before it was read back
        places = [place_of(pair.key) or pictured(pair.key) for pair in page]
        task_ids = {place.task_id for place in places if place is not None}
        kept = await self._catalog.read(partial(_images, task_ids=task_ids))
        looks = []
        for pair, place in zip(page, places, strict=True):
            image = kept.get((place.task_id, place.index)) if place is not None and place.index is not None else None
            looks.append(self._one(pair, place, image, proven=self._quick or pair.key <= trusted))
        outcomes = await _all_of(looks)
        findings = [one.finding for one in outcomes if one.finding is not None]
        for finding in findings:
            self._found(finding)
        self._kept += sum(one.kept for one in outcomes)
        journal.note(findings, max(journal.after, page[-1].key))

    async def _one(self, pair: Pair, place: Place | None, image: KeptImage | None, *, proven: bool) -> Outcome:
        async with self._turn:
            outcome = await self._brought(pair, place, image, proven=proven)
        self._tell(outcome.copied)
        return outcome

    async def _brought(self, pair: Pair, place: Place | None, image: KeptImage | None, *, proven: bool) -> Outcome:
        if place is None or (not place.is_sidecar and place.index is None):
            return Outcome(Copied(strangers=int(pair.here is not None)))
        if pair.here is None:
            return await self._only_there(pair, image)
        if place.is_sidecar:
            return Outcome(*await copy_sidecar(self._source, self._target, pair.key, place.task_id, there=pair.there))
        archived = _archived_as(pair.key, image)
        if proven and pair.here == pair.there:
            return Outcome(Copied(there_already=1), kept=archived is not None)
        copied, finding = await self._images.bring(pair.key, place, archived, is_there=pair.there is not None)
        return Outcome(copied, finding, kept=archived is not None)

    async def _only_there(self, pair: Pair, image: KeptImage | None) -> Outcome:
        """The target has what the source has not: deleted since, lost, or somebody else's."""
        if image is None:
            return Outcome()
        if image.status is AssetStatus.DELETED:
            return Outcome(Copied(removed=int(await self._target.delete(pair.key))))
        archived = _archived_as(pair.key, image)
        if archived is None or not await self._images.is_right(pair.key, archived):
            return Outcome()
        return Outcome(Copied(there_already=1), kept=True)

    async def _name_missing(self) -> None:
        """Tell of each image that its row calls archived and that is in neither store."""
        after = 0
        while page := await self._catalog.read(partial(_tasks, after=after)):
            after = page[-1][0]
            images = await self._catalog.read(partial(_images, task_ids=[task_id for _, task_id in page]))
            for (task_id, index), image in sorted(images.items()):
                if image.status is not AssetStatus.ARCHIVED or image.key is None:
                    continue
                if await self._source.size(image.key) is None and await self._target.size(image.key) is None:
                    self._found(Finding(Kind.MISSING, image.key, "archived, and not there", task_id, index))

    async def _archived(self) -> int:
        figures = await self._catalog.read(lambda tx: tx.figures.count())
        return figures.assets[AssetStatus.ARCHIVED.value]

    async def _refuse_an_empty_store(self) -> None:
        """A disk that is not mounted looks like an archive that lost everything."""
        async for _ in self._source.list():
            return
        if await self._archived():
            raise StorageUnavailable("the archive is empty, though the catalog has images in it: is its disk mounted?")


async def _without_thumbnails(entries: AsyncIterator[Entry]) -> AsyncIterator[Entry]:
    """They are made again where they are wanted; those that the target has go with their image."""
    async for entry in entries:
        if pictured(entry.key) is None:
            yield entry


async def side_by_side(here: AsyncIterator[Entry], there: AsyncIterator[Entry]) -> AsyncIterator[Pair]:
    """Two listings in the order of their keys as one."""
    mine, other = await anext(here, None), await anext(there, None)
    while mine is not None or other is not None:
        if other is None or (mine is not None and mine.key < other.key):
            assert mine is not None
            yield Pair(mine.key, mine.size, None)
            mine = await anext(here, None)
        elif mine is None or other.key < mine.key:
            yield Pair(other.key, None, other.size)
            other = await anext(there, None)
        else:
            yield Pair(mine.key, mine.size, other.size)
            mine, other = await anext(here, None), await anext(there, None)


async def _all_of(looks: Sequence[Coroutine[Any, Any, Outcome]]) -> list[Outcome]:
    """All of them side by side; where one fails, none is left at work."""
    tasks = [asyncio.create_task(look) for look in looks]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _archived_as(key: str, image: KeptImage | None) -> KeptImage | None:
    """The image, if its row says that it is archived under this key."""
    return image if image is not None and image.status is AssetStatus.ARCHIVED and image.key == key else None


def _images(tx: Transaction, *, task_ids: Collection[str]) -> dict[tuple[str, int], KeptImage]:
    return tx.transfer.images(task_ids)


def _tasks(tx: Transaction, *, after: int) -> list[tuple[int, str]]:
    return tx.walk.with_folder(after=after, limit=TASKS_TOGETHER)
