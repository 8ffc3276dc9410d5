"""Bytes of deleted images: removed once, nothing else, and however often it is interrupted."""

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from structlog.testing import capture_logs

from service.archive.deletion import delete
from service.archive.purge import MOST_FAILURES, Purge
from service.background import Nudge
from service.catalog.catalog import Catalog
from service.intake.batch import take_in
from tests.support.deliveries import RULES, TASK, delivery, task_object
from tests.support.fetching import FakeFetcher, archive_due, archiver_for, purge_due
from tests.support.memory_store import MemoryStore

LINKS = [f"https://files.evolink.ai/a/{index}.png" for index in range(3)]
MANY = [f"https://files.evolink.ai/a/{index}.png" for index in range(2 * MOST_FAILURES + 2)]


async def archived(catalog: Catalog, store: MemoryStore, links: Sequence[str] = LINKS) -> list[str]:
    """Archived images of one task, three unless told otherwise; their keys by index."""
    await catalog.write(partial(take_in, batch=[delivery(task_object(results=list(links)))], rules=RULES))
    await archive_due(archiver_for(catalog, store, FakeFetcher(store.staging)))
    state = await catalog.read(lambda tx: tx.tasks.get(TASK))
    assert state is not None
    return [asset.stored.object_key for asset in state.assets if asset.stored]


async def remove(catalog: Catalog, index: int) -> None:
    await catalog.write(partial(delete, task_id=TASK, index=index))


async def test_the_bytes_of_a_deleted_image_go_and_no_others(catalog: Catalog, tmp_path: Path) -> None:
    store = MemoryStore(tmp_path)
    keys = await archived(catalog, store)
    await remove(catalog, 1)
    await purge_due(catalog, store)
    assert set(store.objects) == {keys[0], keys[2]}
    assert await catalog.read(lambda tx: tx.work.to_purge(9)) == []


async def test_bytes_that_are_gone_already_are_no_error(catalog: Catalog, tmp_path: Path) -> None:
    store = MemoryStore(tmp_path)
    keys = await archived(catalog, store)
    await remove(catalog, 0)
    del store.objects[keys[0]]
    await purge_due(catalog, store)
    assert await catalog.read(lambda tx: tx.work.to_purge(9)) == []


async def test_a_deletion_that_the_store_refused_is_made_later(catalog: Catalog, tmp_path: Path) -> None:
    ill = ["read-only"]
    store = MemoryStore(tmp_path, ill=lambda verb, _key: ill[0] if ill and verb == "delete" else None)
    await archived(catalog, store)
    await remove(catalog, 0)
    await purge_due(catalog, store)
    assert len(store.objects) == 3
    ill.clear()
    await purge_due(catalog, store)
    assert len(store.objects) == 2


async def test_a_nudge_has_it_done_at_once(catalog: Catalog, tmp_path: Path) -> None:
    deleted = asyncio.Event()

    class Watched(MemoryStore):
        async def delete(self, key: str) -> bool:
            deleted.set()
            return await super().delete(key)

    store, nudge = Watched(tmp_path), Nudge()
    await archived(catalog, store)
    loop = asyncio.create_task(Purge(catalog=catalog, store=store, nudge=nudge).run())
    await asyncio.sleep(0)
    await remove(catalog, 2)
    nudge.nudge()
    async with asyncio.timeout(10):
        await deleted.wait()
    loop.cancel()
    await asyncio.wait([loop])


async def test_one_image_that_cannot_be_deleted_does_not_keep_the_others(catalog: Catalog, tmp_path: Path) -> None:
    stuck: list[str] = []
    store = MemoryStore(tmp_path, ill=lambda verb, key: "stuck" if verb == "delete" and key in stuck else None)
    keys = await archived(catalog, store)
    stuck.append(keys[0])
    await remove(catalog, 0)
    await remove(catalog, 1)
    await purge_due(catalog, store)
    assert set(store.objects) == {keys[0], keys[2]}
    stuck.clear()
    await purge_due(catalog, store)
    assert set(store.objects) == {keys[2]}


async def test_bytes_that_no_row_tells_of_go_too_and_those_of_other_indexes_stay(
    catalog: Catalog, tmp_path: Path
) -> None:
    store = MemoryStore(tmp_path)
    keys = await archived(catalog, store)
    folder = keys[0].rpartition("/")[0]
    store.objects[f"{folder}/1-ffffffffffff.webp"] = b"stored just before a crash"
    store.objects[f"{folder}/10-ffffffffffff.webp"] = b"another index"
    await remove(catalog, 1)
    await purge_due(catalog, store)
    assert set(store.objects) == {keys[0], keys[2], f"{folder}/10-ffffffffffff.webp"}


async def test_a_store_that_lets_nothing_go_is_asked_a_few_times_a_round_and_told_of_in_one_line(
    catalog: Catalog, tmp_path: Path
) -> None:
    refused: list[str] = []
    lets_go = False

    def ill(verb: str, key: str) -> str | None:
        if verb != "delete" or lets_go:
            return None
        refused.append(key)
        return "access denied"

    store = MemoryStore(tmp_path, ill=ill)
    for index, _ in enumerate(await archived(catalog, store, MANY)):
        await remove(catalog, index)
    purge = Purge(catalog=catalog, store=store, nudge=Nudge())
    for asked in (MOST_FAILURES, 2 * MOST_FAILURES):
        with capture_logs() as lines:
            await purge.purge_all()
        assert [(line["event"], line["failures"], line["reason"]) for line in lines] == [
            ("purge_failed", MOST_FAILURES, "access denied")
        ]
        assert len(refused) == len(set(refused)) == asked
    lets_go = True
    await purge.purge_all()
    assert store.objects == {}


async def test_what_is_stuck_keeps_nothing_behind_it_for_longer_than_a_round(catalog: Catalog, tmp_path: Path) -> None:
    stuck: list[str] = []
    store = MemoryStore(tmp_path, ill=lambda verb, key: "locked" if verb == "delete" and key in stuck else None)
    keys = await archived(catalog, store, MANY)
    stuck += keys[: MOST_FAILURES + 1]
    for index in range(len(keys)):
        await remove(catalog, index)
    purge = Purge(catalog=catalog, store=store, nudge=Nudge())
    await purge.purge_all()
    await purge.purge_all()
    assert set(store.objects) == set(stuck)
    stuck.clear()
    await purge.purge_all()
    assert store.objects == {}
