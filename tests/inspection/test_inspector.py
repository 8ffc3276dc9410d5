"""Looking at archived images: after archiving, once, whatever happens in between."""

import asyncio
import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from service.archive.deletion import delete
from service.archive.worker import Worker
from service.background import Nudge
from service.catalog.catalog import Catalog, Transaction
from service.decoding.verdict import Unusable
from service.domain.asset import Asset, AssetStatus
from service.domain.details import Looked
from service.domain.loss import without_bytes
from service.errors import StorageUnavailable
from service.intake.batch import take_in
from tests.inspection.images import AI, itxt, png, xmp
from tests.support.databases import Databases
from tests.support.deliveries import LINK, NOW, RULES, TASK, delivery, task_object
from tests.support.fetching import FakeFetcher, archive_due, archiver_for, write_sidecars
from tests.support.looking import HASH, SEEN, Answering, inspector_for, look_due
from tests.support.memory_store import MemoryStore
from tests.system.support.waiting import eventually

PICTURE = png(itxt("XML:com.adobe.xmp", xmp(attributes=f'ext:DigitalSourceType="{AI}"')))
LEASE_OVER = "UPDATE assets SET details_after = '2020-01-01 00:00:00.000000'"


class Sick:
    """Whether the store fails, and how."""

    def __init__(self) -> None:
        self.verbs: frozenset[str] = frozenset()

    def __call__(self, verb: str, _key: str) -> str | None:
        return "away" if verb in self.verbs else None


@pytest.fixture
def sick() -> Sick:
    return Sick()


@pytest.fixture
def store(tmp_path: Path, sick: Sick) -> MemoryStore:
    return MemoryStore(tmp_path, ill=sick)


async def archived(catalog: Catalog, store: MemoryStore, *, images: int = 1, data: bytes = PICTURE) -> None:
    links = [LINK.replace("0.png", f"{number}.png") for number in range(images)]
    await catalog.write(partial(take_in, batch=[delivery(task_object(results=links))], rules=RULES))
    await archive_due(archiver_for(catalog, store, FakeFetcher(store.staging, dict.fromkeys(links, data))))
    await write_sidecars(catalog, store)


async def asset(catalog: Catalog, index: int = 0) -> Asset:
    found = await catalog.read(lambda tx: tx.query.asset(TASK, index))
    assert found is not None
    return found


async def details(catalog: Catalog, index: int = 0) -> dict[str, Any]:
    told = (await asset(catalog, index)).details
    assert told is not None
    return dict(told)


def sidecar(store: MemoryStore) -> dict[str, Any]:
    [text] = [data for key, data in store.objects.items() if key.endswith("task.json")]
    document: dict[str, Any] = json.loads(text)
    return document


async def test_an_archived_image_is_looked_at_once_and_its_sidecar_tells_it(
    catalog: Catalog, store: MemoryStore
) -> None:
    await archived(catalog, store, images=2)
    assert (await asset(catalog)).details is None
    assert [one["details"] for one in sidecar(store)["assets"]] == [None, None]
    decoders = Answering()
    assert await look_due(catalog, store, decoders) == 2
    assert await look_due(catalog, store, decoders) == 0
    assert decoders.given == [PICTURE, PICTURE]
    told = await details(catalog)
    assert (told["version"], told["digital_source_type"], told["unreadable"]) == (2, AI, None)
    assert told["pixels"] == {
        "perceptual_hash": HASH,
        "dominant": [{"colour": "#102030", "share": 1.0}],
        "average": "#102030",
        "placeholder": SEEN.placeholder,
    }
    assert told["colour"]["transparent"] is False
    assert await write_sidecars(catalog, store) == 1
    assert [one["details"] for one in sidecar(store)["assets"]] == [told, told]
    assert [path.name for path in store.staging.iterdir() if path.suffix == ".part"] == []


async def test_without_pixels_only_the_file_is_looked_at_and_the_rest_follows_when_it_is_wanted(
    catalog: Catalog, store: MemoryStore
) -> None:
    await archived(catalog, store, images=2)
    assert await waiting(catalog) == (2, 2)
    assert await look_due(catalog, store) == 2
    assert await look_due(catalog, store) == 0
    assert await waiting(catalog) == (0, 2)
    told = await details(catalog)
    assert (told["version"], told["digital_source_type"], told["pixels"], told["unreadable"]) == (1, AI, None, None)
    assert await look_due(catalog, store, Answering()) == 2
    assert (await details(catalog))["pixels"]["perceptual_hash"] == HASH
    assert await waiting(catalog) == (0, 0)


async def waiting(catalog: Catalog) -> tuple[int, int]:
    """How many files, and how many pixels, are not looked at."""

    def count(tx: Transaction) -> tuple[int, int]:
        return tx.details.waiting(wanted=Looked.AT_THE_FILE), tx.details.waiting(wanted=Looked.AT_THE_PIXELS)

    return await catalog.read(count)


@pytest.mark.parametrize(
    ("answer", "reason"), [(Unusable.TOO_SLOW, "too_slow"), (b'{"perceptual_hash": "<script>"}', "crashed")]
)
async def test_an_image_that_cannot_be_decoded_says_so_and_is_not_tried_again(
    catalog: Catalog, store: MemoryStore, answer: bytes | Unusable, reason: str
) -> None:
    await archived(catalog, store)
    assert await look_due(catalog, store, Answering(answer)) == 1
    assert await look_due(catalog, store, Answering()) == 0
    told = await details(catalog)
    assert (told["version"], told["pixels"], told["unreadable"]) == (2, None, reason)
    assert told["digital_source_type"] == AI


async def test_what_was_begun_when_the_process_died_is_done_by_another(
    catalog: Catalog, store: MemoryStore, databases: Databases
) -> None:
    await archived(catalog, store)
    [dead] = await inspector_for(catalog, store).claim(9)
    assert await look_due(catalog, store) == 0
    databases.run(LEASE_OVER)
    [living] = await inspector_for(catalog, store).claim(9)
    await inspector_for(catalog, store).work(dead)
    assert (await asset(catalog)).details is None
    await inspector_for(catalog, store).work(living)
    assert (await details(catalog))["version"] == 1


async def test_a_start_that_knows_itself_alone_goes_on_at_once(catalog: Catalog, store: MemoryStore) -> None:
    await archived(catalog, store, images=2)
    await inspector_for(catalog, store).claim(1)
    await catalog.write(lambda tx: tx.details.forget_claims())
    assert await look_due(catalog, store) == 2


async def test_a_store_that_is_away_is_no_fault_of_the_images(catalog: Catalog, store: MemoryStore, sick: Sick) -> None:
    await archived(catalog, store)
    inspector = inspector_for(catalog, store)
    [claimed] = await inspector.claim(9)
    sick.verbs = frozenset({"read", "list"})
    with pytest.raises(StorageUnavailable):
        await inspector.work(claimed)
    await inspector.release(claimed)
    sick.verbs = frozenset()
    assert await look_due(catalog, store) == 1
    assert (await details(catalog))["version"] == 1


@pytest.mark.parametrize("what", ["gone", "damaged", "longer", "unreadable"])
async def test_bytes_that_are_not_what_was_archived_are_left_to_verify_and_looked_at_when_they_are_mended(
    catalog: Catalog, store: MemoryStore, sick: Sick, databases: Databases, what: str
) -> None:
    await archived(catalog, store)
    [key] = [one for one in store.objects if one.endswith(".png")]
    whole = store.objects.pop(key)
    sick.verbs = frozenset({"read"} if what == "unreadable" else ())
    if what != "gone":
        store.objects[key] = {"damaged": whole[:-9] + bytes(9), "longer": whole * 9, "unreadable": whole}[what]
    assert await look_due(catalog, store) == 1
    assert await look_due(catalog, store) == 0
    assert (await asset(catalog)).details is None
    store.objects[key], sick.verbs = whole, frozenset()
    databases.run(LEASE_OVER)
    assert await look_due(catalog, store) == 1
    assert (await details(catalog))["digital_source_type"] == AI


async def test_nothing_is_left_of_a_deleted_image(catalog: Catalog, store: MemoryStore) -> None:
    await archived(catalog, store, images=2)
    await look_due(catalog, store, Answering())
    await catalog.write(partial(delete, task_id=TASK, index=0))
    await write_sidecars(catalog, store)
    assert (await asset(catalog)).details is None
    assert [one["details"] is None for one in sidecar(store)["assets"]] == [True, False]
    candidates, _ = await catalog.read(lambda tx: tx.details.candidates((0x0123, 0x4567, 0x89AB, 0xCDEF), 0))
    assert len(candidates) == 1


async def test_an_image_that_is_deleted_while_it_is_looked_at_stays_without_details(
    catalog: Catalog, store: MemoryStore
) -> None:
    await archived(catalog, store)
    inspector = inspector_for(catalog, store)
    [claimed] = await inspector.claim(9)
    await catalog.write(partial(delete, task_id=TASK, index=0))
    await inspector.work(claimed)
    assert (await asset(catalog)).details is None
    assert await look_due(catalog, store) == 0


def test_what_is_known_of_bytes_goes_with_them() -> None:
    kept = Asset(TASK, 0, (LINK,), NOW, NOW, status=AssetStatus.ARCHIVED, details={"version": 2})
    assert without_bytes(kept, "gone", now=NOW, allowed_hosts=("*",)).details is None


async def test_the_newest_come_first(catalog: Catalog, store: MemoryStore) -> None:
    await archived(catalog, store, images=3)
    assert [one.index for one in await inspector_for(catalog, store).claim(2)] == [2, 1]


async def test_after_an_old_image_old_ones_rest_and_new_ones_do_not(catalog: Catalog, store: MemoryStore) -> None:
    await archived(catalog, store, images=3)
    inspector = inspector_for(catalog, store, rest=1e9)
    new, *old = await inspector.claim(9)
    long_ago = [asyncio.create_task(inspector.work(replace(one, archived_at=NOW))) for one in old]
    await eventually(lambda: looked_at(catalog, old[0].index), what="the first of the old ones is looked at")
    await inspector.work(new)
    assert await looked_at(catalog, new.index)
    assert not await looked_at(catalog, old[1].index)
    for task in long_ago:
        task.cancel()
    await asyncio.wait(long_ago)


async def test_old_images_leave_a_place_to_those_that_come(
    catalog: Catalog, store: MemoryStore, databases: Databases
) -> None:
    await archived(catalog, store, images=3)
    databases.run("UPDATE assets SET archived_at = '2020-01-01 00:00:00.000000'")
    worker = Worker(name="details", job=inspector_for(catalog, store, rest=1e9), concurrency=2, nudge=Nudge())
    running = asyncio.create_task(worker.run())
    try:
        await eventually(lambda: looked_at(catalog, 2), what="the first of the old ones is looked at")
        databases.run("UPDATE assets SET archived_at = '2100-01-01 00:00:00.000000' WHERE \"index\" = 1")
        await eventually(lambda: looked_at(catalog, 1), what="a new one is looked at while it rests")
        assert not await looked_at(catalog, 0)
    finally:
        running.cancel()
        await asyncio.wait([running])
        await worker.stop(0)


async def test_an_old_image_that_finds_another_at_work_is_given_back_at_once_and_not_claimed_again_meanwhile(
    catalog: Catalog, store: MemoryStore, databases: Databases
) -> None:
    await archived(catalog, store, images=2)
    databases.run("UPDATE assets SET archived_at = '2020-01-01 00:00:00.000000'")
    inspector = inspector_for(catalog, store, rest=1e9)
    first, second = await inspector.claim(9)
    resting = asyncio.create_task(inspector.work(first))
    await eventually(lambda: looked_at(catalog, first.index), what="the first is looked at")
    await inspector.work(second)
    assert await inspector.claim(9) == []
    resting.cancel()
    await asyncio.wait([resting])
    assert [one.index for one in await inspector.claim(9)] == [second.index]


async def test_while_links_wait_to_be_fetched_new_images_are_looked_at_one_by_one_with_rests(
    catalog: Catalog, store: MemoryStore
) -> None:
    await archived(catalog, store, images=3)
    pressed = True
    inspector = inspector_for(catalog, store, rest=0, long_rest=1e9, pressed=lambda: pressed)
    [first] = await inspector.claim(9)
    resting = asyncio.create_task(inspector.work(first))
    await eventually(lambda: looked_at(catalog, first.index), what="the first is looked at")
    assert await inspector.claim(9) == []
    pressed = False
    others = await inspector.claim(9)
    for one in others:
        await inspector.work(one)
    assert [await looked_at(catalog, index) for index in range(3)] == [True] * 3
    resting.cancel()
    await asyncio.wait([resting])


async def test_an_image_claimed_before_links_had_to_wait_is_given_back_where_another_is_looked_at(
    catalog: Catalog, store: MemoryStore
) -> None:
    await archived(catalog, store, images=2)
    pressed = False
    inspector = inspector_for(catalog, store, rest=0, long_rest=1e9, pressed=lambda: pressed)
    first, second = await inspector.claim(9)
    pressed = True
    resting = asyncio.create_task(inspector.work(first))
    await eventually(lambda: looked_at(catalog, first.index), what="the first is looked at")
    await inspector.work(second)
    pressed = False
    assert [one.index for one in await inspector.claim(9)] == [second.index]
    resting.cancel()
    await asyncio.wait([resting])


async def looked_at(catalog: Catalog, index: int) -> bool | None:
    return (await asset(catalog, index)).details is not None or None
