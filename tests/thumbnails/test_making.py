"""Thumbnails looked up, made once, and kept where the store lets them be."""

import asyncio
import io
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
from PIL import Image
from structlog.testing import capture_logs

from service.archive.deletion import delete
from service.catalog.catalog import Catalog
from service.decoding.pool import Pool
from service.decoding.verdict import Unusable
from service.domain.asset import Asset
from service.domain.thumbnail import pictured, thumbnail_key
from service.errors import StorageUnavailable
from service.intake.batch import take_in
from service.thumbnails.making import Thumbnails
from tests.support.deliveries import LINK, RULES, TASK, delivery
from tests.support.fetching import FakeFetcher, archive_due, archiver_for
from tests.support.hostile_images import encoded, noise
from tests.support.memory_store import MemoryStore

BODY = encoded(noise(), "PNG")


async def asset_of(catalog: Catalog) -> Asset:
    found = await catalog.read(lambda tx: tx.query.asset(TASK, 0))
    assert found is not None
    return found


class Calls:
    """What is asked of a store, and the verbs that fail."""

    def __init__(self) -> None:
        self.made: list[tuple[str, str]] = []
        self.ill: set[str] = set()

    def __call__(self, verb: str, key: str) -> str | None:
        self.made.append((verb, key))
        return "read-only" if verb in self.ill else None

    def count(self, verb: str, key: str) -> int:
        return self.made.count((verb, key))


@asynccontextmanager
async def maker(
    catalog: Catalog, folder: Path, calls: Calls, *, body: bytes = BODY, room: Callable[[], bool] = lambda: True
) -> AsyncIterator[tuple[Thumbnails, MemoryStore, Asset]]:
    """A maker at work, and an archived image."""
    store = MemoryStore(folder, ill=calls)
    await catalog.write(partial(take_in, batch=[delivery()], rules=RULES))
    await archive_due(archiver_for(catalog, store, FakeFetcher(folder, {LINK: body})))

    async def may_keep() -> bool:
        return room()

    pool = Pool(workers=1)
    thumbnails = Thumbnails(catalog=catalog, store=store, pool=pool, may_keep=may_keep)
    pool.start()
    try:
        yield thumbnails, store, await asset_of(catalog)
    finally:
        await pool.stop()
        await thumbnails.stop()


def kept(store: MemoryStore) -> dict[str, bytes]:
    return {key: data for key, data in store.objects.items() if pictured(key)}


async def test_it_is_made_once_and_then_found(catalog: Catalog, tmp_path: Path) -> None:
    calls = Calls()
    async with maker(catalog, tmp_path, calls) as (thumbnails, store, asset):
        assert asset.stored is not None
        first = await thumbnails.of(asset, 256)
        assert isinstance(first, bytes)
        assert kept(store) == {thumbnail_key(asset.stored.object_key, 256): first}
        assert await thumbnails.of(asset, 256) == first
        assert calls.count("read", asset.stored.object_key) == 1


async def test_who_asks_at_the_same_time_gets_the_same(catalog: Catalog, tmp_path: Path) -> None:
    calls = Calls()
    async with maker(catalog, tmp_path, calls) as (thumbnails, _, asset):
        assert asset.stored is not None
        made = await asyncio.gather(*(thumbnails.of(asset, 256) for _ in range(20)))
        assert len(set(made)) == 1
        assert calls.count("read", asset.stored.object_key) == 1


async def test_who_hangs_up_takes_it_from_nobody_else(catalog: Catalog, tmp_path: Path) -> None:
    async with maker(catalog, tmp_path, Calls()) as (thumbnails, _, asset):
        impatient, other = (asyncio.create_task(thumbnails.of(asset, 256)) for _ in range(2))
        await asyncio.sleep(0)
        impatient.cancel()
        assert isinstance(await other, bytes)


async def test_a_store_that_takes_no_writes_still_serves_it(catalog: Catalog, tmp_path: Path) -> None:
    calls = Calls()
    async with maker(catalog, tmp_path, calls) as (thumbnails, store, asset):
        calls.ill.add("replace")
        with capture_logs() as logs:
            assert isinstance(await thumbnails.of(asset, 256), bytes)
        assert kept(store) == {}
        assert [line["event"] for line in logs] == ["thumbnail_not_kept"]


async def test_room_that_is_kept_for_images_is_not_used(catalog: Catalog, tmp_path: Path) -> None:
    async with maker(catalog, tmp_path, Calls(), room=lambda: False) as (thumbnails, store, asset):
        assert isinstance(await thumbnails.of(asset, 256), bytes)
        assert kept(store) == {}


async def test_a_store_that_cannot_be_read_is_told(catalog: Catalog, tmp_path: Path) -> None:
    calls = Calls()
    async with maker(catalog, tmp_path, calls) as (thumbnails, _, asset):
        calls.ill.add("read")
        with pytest.raises(StorageUnavailable):
            await thumbnails.of(asset, 256)
        calls.ill.clear()
        assert isinstance(await thumbnails.of(asset, 256), bytes)


@pytest.mark.parametrize("damage", [b"", b"RIFF", b"nonsense" * 9])
async def test_a_kept_one_that_is_damaged_is_made_again(catalog: Catalog, tmp_path: Path, damage: bytes) -> None:
    async with maker(catalog, tmp_path, Calls()) as (thumbnails, store, asset):
        first = await thumbnails.of(asset, 256)
        [key] = kept(store)
        store.objects[key] = damage
        assert await thumbnails.of(asset, 256) == first
        assert kept(store) == {key: first}


async def test_what_has_none_is_not_tried_for_everybody_who_asks_and_nothing_is_kept(
    catalog: Catalog, tmp_path: Path
) -> None:
    calls = Calls()
    async with maker(catalog, tmp_path, calls, body=BODY[:-3000]) as (thumbnails, store, asset):
        assert asset.stored is not None
        with capture_logs() as logs:
            for _ in range(3):
                assert await thumbnails.of(asset, 256) is Unusable.CORRUPT
        assert [(line["event"], line["reason"]) for line in logs] == [("no_thumbnail", "corrupt")]
        assert calls.count("read", asset.stored.object_key) == 1
        assert kept(store) == {}


async def test_of_an_image_that_was_deleted_meanwhile_nothing_is_left(catalog: Catalog, tmp_path: Path) -> None:
    async with maker(catalog, tmp_path, Calls()) as (thumbnails, store, asset):
        await catalog.write(partial(delete, task_id=TASK, index=0))
        assert isinstance(await thumbnails.of(asset, 256), bytes)
        assert kept(store) == {}


async def test_the_same_bytes_in_two_tasks_have_a_thumbnail_each(catalog: Catalog, tmp_path: Path) -> None:
    async with maker(catalog, tmp_path, Calls()) as (thumbnails, store, asset):
        made = await thumbnails.of(asset, 1024)
        assert isinstance(made, bytes)
        [key] = kept(store)
        assert TASK in key
        assert Image.open(io.BytesIO(made)).size == (300, 200)
