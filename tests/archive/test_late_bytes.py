"""Bytes that land while their image is deleted, given up or archived by somebody else: none stays and none is lost."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path

import pytest

from service.archive.archiver import Archiver
from service.archive.deletion import delete
from service.catalog.catalog import Catalog
from service.catalog.work import LATE_BYTES, ClaimedAsset
from service.domain.asset import Asset, AssetStatus
from service.domain.attempt import Failed, Failure
from service.domain.thumbnail import FOLDER
from service.errors import StorageUnavailable
from service.intake.batch import take_in
from service.storage import Entry
from tests.support.databases import POSTGRESQL, Databases, databases_for
from tests.support.deliveries import LINK, RULES, TASK, delivery, task_object
from tests.support.fetching import FakeFetcher, archive_due, archiver_for, purge_due
from tests.support.ledger import Clock
from tests.support.memory_store import MemoryStore


@pytest.fixture(params=["sqlite", POSTGRESQL])
def databases(request: pytest.FixtureRequest, tmp_path: Path) -> Databases:
    return databases_for(request, tmp_path)


class SlowStore(MemoryStore):
    """Its first put waits for `gate`, and with `loses_answers` nobody hears that it ended well.

    What is `between` is done when a listing of images is over, before anybody can act upon it.
    """

    def __init__(self, staging: Path, *, loses_answers: bool = False) -> None:
        super().__init__(staging)
        self.began, self.gate = asyncio.Event(), asyncio.Event()
        self.between: Callable[[], Awaitable[object]] | None = None
        self.deleted: list[str] = []
        self._loses_answers = loses_answers

    async def put(self, key: str, staged: Path) -> None:
        is_first = not self.began.is_set()
        if is_first:
            self.began.set()
            await self.gate.wait()
        await super().put(key, staged)
        if is_first and self._loses_answers:
            raise StorageUnavailable("no answer")

    async def delete(self, key: str) -> bool:
        self.deleted.append(key)
        return await super().delete(key)

    async def list(self, prefix: str = "") -> AsyncIterator[Entry]:
        async for entry in super().list(prefix):
            yield entry
        if self.between is not None and not prefix.startswith(FOLDER):
            between, self.between = self.between, None
            await between()


class Late:
    """An attempt that is storing its bytes just now, until `end`."""

    def __init__(self, catalog: Catalog, store: SlowStore, archiver: Archiver, claimed: ClaimedAsset) -> None:
        self._catalog, self._store, self._archiver, self._claimed = catalog, store, archiver, claimed
        self._attempt = asyncio.create_task(archiver.work(claimed))

    @classmethod
    async def begun(cls, catalog: Catalog, store: SlowStore) -> "Late":
        await catalog.write(partial(take_in, batch=[delivery(task_object(results=[LINK]))], rules=RULES))
        archiver = archiver_for(catalog, store, FakeFetcher(store.staging))
        [claimed] = await archiver.claim(1)
        late = cls(catalog, store, archiver, claimed)
        await store.began.wait()
        return late

    async def end(self) -> None:
        """Its bytes land, and it writes down what it knows."""
        self._store.gate.set()
        try:
            await self._attempt
        except StorageUnavailable:
            await self._archiver.release(self._claimed)


async def asset_of(catalog: Catalog) -> Asset:
    state = await catalog.read(lambda tx: tx.tasks.get(TASK))
    assert state is not None
    return state.assets[0]


async def remove(catalog: Catalog) -> None:
    await catalog.write(partial(delete, task_id=TASK, index=0))


async def test_bytes_of_a_deleted_image_that_land_after_the_purge_has_looked_go_with_the_next(
    catalog: Catalog, tmp_path: Path
) -> None:
    store = SlowStore(tmp_path)
    late = await Late.begun(catalog, store)
    await catalog.write(lambda tx: tx.work.clear_leases())
    await archive_due(archiver_for(catalog, store, FakeFetcher(tmp_path)))  # the same bytes under the same name
    await remove(catalog)
    store.between = late.end
    await purge_due(catalog, store)
    assert (len(store.objects), (await asset_of(catalog)).purged) == (1, False)
    await purge_due(catalog, store)
    assert (store.objects, (await asset_of(catalog)).purged) == ({}, True)


@pytest.mark.parametrize("loses_answers", [True, False])
async def test_bytes_that_land_after_a_purge_go_at_once_and_more_is_waited_for_until_none_can_come(
    databases: Databases, tmp_path: Path, loses_answers: bool
) -> None:
    clock = Clock()
    catalog = Catalog(databases.new(), clock=clock)
    catalog.open()
    store = SlowStore(tmp_path, loses_answers=loses_answers)
    late = await Late.begun(catalog, store)
    await remove(catalog)
    await purge_due(catalog, store)
    await late.end()
    assert len(store.objects) == 1
    await purge_due(catalog, store)
    assert (store.objects, (await asset_of(catalog)).purged) == ({}, False)
    clock.move(seconds=LATE_BYTES.total_seconds())
    await purge_due(catalog, store)
    assert (await asset_of(catalog)).purged
    catalog.close()


async def test_bytes_that_land_for_a_dead_image_are_left_as_they_may_be_archived_meanwhile(
    catalog: Catalog, tmp_path: Path
) -> None:
    store = SlowStore(tmp_path)
    late = await Late.begun(catalog, store)
    await catalog.write(lambda tx: tx.work.clear_leases())
    too_large = FakeFetcher(tmp_path, {LINK: Failed(Failure.TOO_LARGE, "too large")})
    await archive_due(archiver_for(catalog, store, too_large))
    await late.end()
    assert (await asset_of(catalog)).status is AssetStatus.DEAD
    assert (len(store.objects), store.deleted) == (1, [])
