"""Verifying beside a server that works: what is in motion is looked at again, and not complained about."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from service.catalog.catalog import Catalog
from service.errors import StorageUnavailable
from service.storage import Blocks, Entry
from service.upkeep.findings import Kind
from tests.support.deliveries import TASK
from tests.support.memory_store import MemoryStore
from tests.upkeep.kept_archive import Archive

Meanwhile = Callable[[], Awaitable[object]]


class BusyStore(MemoryStore):
    """A store in which something happens, once, just before an object is read or shown in a listing."""

    def __init__(self, staging: Path) -> None:
        super().__init__(staging)
        self.before_reading: dict[str, Meanwhile] = {}
        self.before_listing: dict[str, Meanwhile] = {}

    async def read(self, key: str, start: int = 0, length: int | None = None) -> Blocks | None:
        await self._happen(self.before_reading, key)
        return await super().read(key, start, length)

    async def list(self, prefix: str = "") -> AsyncIterator[Entry]:
        async for entry in super().list(prefix):
            await self._happen(self.before_listing, entry.key)
            yield entry

    async def _happen(self, when: dict[str, Meanwhile], key: str) -> None:
        meanwhile = when.pop(key, None)
        if meanwhile is not None:
            await meanwhile()


@pytest.fixture
def store(tmp_path: Path) -> BusyStore:
    return BusyStore(tmp_path)


@pytest.fixture
def busy(tmp_path: Path, catalog: Catalog, store: BusyStore) -> Archive:
    return Archive(tmp_path, catalog, store)


async def test_images_that_wait_for_their_turn_are_in_motion(busy: Archive) -> None:
    await busy.complete(images=3)
    report = await busy.verify()
    assert report.findings == []
    assert report.seen.in_motion == 4, "three images, and the sidecar that is due"


async def test_bytes_that_are_stored_and_not_yet_written_down_are_in_motion(busy: Archive, store: BusyStore) -> None:
    await busy.complete()
    home = await busy.home()
    store.objects[f"{home}/0-{'a' * 12}.png"] = b"just put"
    assert (await busy.verify()).findings == []


async def test_an_image_that_is_deleted_while_it_is_looked_at_is_not_missing(busy: Archive, store: BusyStore) -> None:
    await busy.keep(images=2)

    async def somebody_deletes() -> None:
        await busy.delete(1)
        await busy.work()

    store.before_reading[await busy.key(1)] = somebody_deletes
    report = await busy.verify()
    assert report.findings == []
    assert report.seen.images == 2


async def test_a_task_that_arrives_between_the_two_sides_is_known_by_then(busy: Archive, store: BusyStore) -> None:
    await busy.keep("task-b")
    store.before_reading[await busy.sidecar("task-b")] = lambda: busy.keep("task-a")
    assert (await busy.verify()).findings == []
    assert len(store.objects) == 4


async def test_a_sidecar_that_is_rewritten_while_it_is_looked_at_is_not_ahead(busy: Archive, store: BusyStore) -> None:
    await busy.keep(images=2)

    async def somebody_deletes() -> None:
        await busy.delete(0)
        await busy.work()

    store.before_reading[await busy.sidecar()] = somebody_deletes
    assert (await busy.verify()).findings == []


async def test_a_stray_that_goes_away_is_not_named(busy: Archive, store: BusyStore) -> None:
    await busy.keep()
    stray = f"{await busy.home()}/0-{'a' * 12}.png"
    store.objects[stray] = b"of a claim that was lost"

    async def its_writer_removes_it() -> None:
        await store.delete(stray)

    store.before_listing[await busy.sidecar()] = its_writer_removes_it
    assert (await busy.verify()).findings == []
    assert stray not in store.objects


async def test_damage_that_stays_is_named_however_busy_the_rest_is(busy: Archive, store: BusyStore) -> None:
    await busy.keep("task-a", "task-b")
    damaged = await busy.key(0, "task-a")
    store.objects[damaged] = b"x" * len(store.objects[damaged])
    store.before_reading[damaged] = lambda: busy.keep("task-c")
    report = await busy.verify()
    assert [(finding.kind, finding.key) for finding in report.findings] == [(Kind.WRONG_HASH, damaged)]


async def test_a_failure_to_read_that_passes_is_forgiven(busy: Archive, store: BusyStore) -> None:
    await busy.keep()

    async def fails_once() -> None:
        raise StorageUnavailable("a hiccup")

    store.before_reading[await busy.key()] = fails_once
    assert (await busy.verify(TASK)).findings == []
