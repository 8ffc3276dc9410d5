"""One attempt at one asset: what it records, and when it records nothing."""

import asyncio
import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from service.archive.archiver import record
from service.archive.deletion import delete
from service.catalog.catalog import Catalog
from service.catalog.tasks import TaskState
from service.catalog.work import ClaimedAsset
from service.domain.asset import Asset, AssetReason, AssetStatus
from service.domain.attempt import FINAL, Failed, Failure
from service.errors import CatalogUnavailable, StorageUnavailable
from service.intake.batch import take_in
from service.observability import Metrics
from service.storage.filesystem import FilesystemStore
from tests.support.deliveries import LINK, RULES, TASK, delivery, task_object
from tests.support.fetching import FakeFetcher, archive_due, archiver_for, picture, purge_due
from tests.support.memory_store import MemoryStore

OTHER = "https://files.evolink.ai/b/0.png"


@pytest.fixture
def store(tmp_path: Path) -> FilesystemStore:
    opened = FilesystemStore(tmp_path / "archive")
    opened.open()
    return opened


async def told(catalog: Catalog, *links: str) -> None:
    """A completed callback arrived just now."""
    body = delivery(task_object(results=list(links or (LINK,))))
    await catalog.write(partial(take_in, batch=[replace(body, received_at=datetime.now(UTC))], rules=RULES))


async def state_of(catalog: Catalog) -> TaskState:
    state = await catalog.read(lambda tx: tx.tasks.get(TASK))
    assert state is not None
    return state


async def asset_of(catalog: Catalog) -> Asset:
    return (await state_of(catalog)).assets[0]


async def is_due(catalog: Catalog) -> list[ClaimedAsset]:
    return await catalog.write(lambda tx: tx.work.claim_assets(9))


def images(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and path.name != "task.json"]


async def test_an_image_is_stored_under_a_name_that_follows_from_its_bytes(
    catalog: Catalog, store: FilesystemStore, tmp_path: Path
) -> None:
    await told(catalog)
    [claimed] = await archive_due(archiver_for(catalog, store, FakeFetcher(store.staging)))
    assert (claimed.task_id, claimed.index) == (TASK, 0)
    state = await state_of(catalog)
    [asset] = state.assets
    digest = hashlib.sha256(picture(LINK)).hexdigest()
    assert (asset.status, asset.attempts, asset.next_attempt_at, asset.detail) == (AssetStatus.ARCHIVED, 1, None, None)
    assert asset.stored is not None
    assert (asset.stored.sha256, asset.stored.size) == (digest, len(picture(LINK)))
    assert state.task.archive_date is not None
    assert asset.stored.object_key == f"evolink/{state.task.archive_date:%Y/%m/%d}/{TASK}/0-{digest[:12]}.png"
    assert [path.read_bytes() for path in images(tmp_path / "archive")] == [picture(LINK)]
    assert state.task.settled_at is not None
    assert await is_due(catalog) == []


async def test_a_task_is_settled_with_its_last_image_and_its_version_moves_on(
    catalog: Catalog, store: FilesystemStore
) -> None:
    await told(catalog, LINK, OTHER)
    broken = FakeFetcher(store.staging, {OTHER: Failed(Failure.UNREACHABLE, "no route")})
    await archive_due(archiver_for(catalog, store, broken))
    before = await state_of(catalog)
    assert [asset.status for asset in before.assets] == [AssetStatus.ARCHIVED, AssetStatus.PENDING]
    assert before.task.settled_at is None
    await catalog.write(partial(delete, task_id=TASK, index=1))
    after = await state_of(catalog)
    assert after.task.settled_at is not None
    assert after.task.version > before.task.version


@pytest.mark.parametrize("failure", sorted(Failure))
async def test_a_failure_counts_one_attempt_and_ends_or_waits_by_its_kind(
    catalog: Catalog, store: FilesystemStore, failure: Failure
) -> None:
    await told(catalog)
    metrics = Metrics()
    fetcher = FakeFetcher(store.staging, {LINK: Failed(failure, "in words")})
    await archive_due(archiver_for(catalog, store, fetcher, metrics=metrics))
    asset = await asset_of(catalog)
    assert (asset.attempts, asset.detail, asset.stored) == (1, "in words", None)
    shown = metrics.render()[0].decode()
    assert f'darkroom_assets_total{{outcome="{failure.value}"}} 1.0' in shown
    if failure in FINAL:
        assert (asset.status, asset.next_attempt_at) == (AssetStatus.DEAD, None)
        assert asset.reason is AssetReason(failure.value)
        assert (await state_of(catalog)).task.settled_at is not None
        assert f'darkroom_dead_total{{reason="{failure.value}"}} 1.0' in shown
    else:
        assert (asset.status, asset.reason) == (AssetStatus.PENDING, None)
        assert asset.next_attempt_at is not None
        assert asset.next_attempt_at > datetime.now(UTC)


async def test_a_host_that_asks_for_patience_gets_it(catalog: Catalog, store: FilesystemStore) -> None:
    await told(catalog)
    before = datetime.now(UTC)
    busy = FakeFetcher(store.staging, {LINK: Failed(Failure.HTTP_STATUS, "answered 429", retry_after=600)})
    await archive_due(archiver_for(catalog, store, busy))
    asset = await asset_of(catalog)
    assert asset.next_attempt_at is not None
    assert (asset.next_attempt_at - before).total_seconds() >= 600


async def test_a_store_that_refuses_is_not_the_images_fault(catalog: Catalog, tmp_path: Path) -> None:
    full: list[str] = ["the disk is full"]
    store = MemoryStore(tmp_path, ill=lambda verb, _key: full[0] if verb == "put" and full else None)
    await told(catalog)
    fetcher = FakeFetcher(tmp_path)
    archiver = archiver_for(catalog, store, fetcher)
    [claimed] = await archiver.claim(1)
    with pytest.raises(StorageUnavailable):
        await archiver.work(claimed)
    asset = await asset_of(catalog)
    assert (asset.status, asset.attempts, asset.stored) == (AssetStatus.PENDING, 0, None)
    assert [path.name for path in tmp_path.iterdir() if path.suffix == "" and path.is_file()] == []
    assert await archiver.claim(1) == []
    await archiver.release(claimed)
    full.clear()
    await archive_due(archiver)
    assert (await asset_of(catalog)).attempts == 1


async def test_the_row_says_archived_only_after_the_store_has_confirmed(catalog: Catalog, tmp_path: Path) -> None:
    seen: list[AssetStatus] = []

    class Watching(MemoryStore):
        async def put(self, key: str, staged: Path) -> None:
            seen.append((await asset_of(catalog)).status)
            await super().put(key, staged)
            seen.append((await asset_of(catalog)).status)

    await told(catalog)
    await archive_due(archiver_for(catalog, Watching(tmp_path), FakeFetcher(tmp_path)))
    assert seen == [AssetStatus.PENDING, AssetStatus.PENDING]
    assert (await asset_of(catalog)).status is AssetStatus.ARCHIVED


async def test_an_outcome_under_a_lost_claim_does_not_count(catalog: Catalog, store: FilesystemStore) -> None:
    await told(catalog)
    failing = archiver_for(catalog, store, FakeFetcher(store.staging, {LINK: Failed(Failure.TOO_LARGE, "late")}))
    [lost] = await failing.claim(1)
    await catalog.write(lambda tx: tx.work.clear_leases())
    [held] = await is_due(catalog)
    await failing.work(lost)
    asset = await asset_of(catalog)
    assert (asset.status, asset.attempts) == (AssetStatus.PENDING, 0)
    assert await catalog.write(lambda tx: tx.work.holds_asset(held)) is True


async def test_two_who_fetched_the_same_image_store_it_once(
    catalog: Catalog, store: FilesystemStore, tmp_path: Path
) -> None:
    await told(catalog)
    archiver = archiver_for(catalog, store, FakeFetcher(store.staging))
    [lost] = await archiver.claim(1)
    await catalog.write(lambda tx: tx.work.clear_leases())
    [held] = await archiver.claim(1)
    await asyncio.gather(archiver.work(lost), archiver.work(held))
    asset = await asset_of(catalog)
    assert (asset.status, asset.attempts) == (AssetStatus.ARCHIVED, 1)
    assert len(images(tmp_path / "archive")) == 1


async def test_what_is_deleted_while_it_is_fetched_is_not_stored(
    catalog: Catalog, store: FilesystemStore, tmp_path: Path
) -> None:
    await told(catalog)
    gate = asyncio.Event()
    fetcher = FakeFetcher(store.staging, gate=gate)
    metrics = Metrics()
    attempt = asyncio.create_task(archive_due(archiver_for(catalog, store, fetcher, metrics=metrics)))
    await fetcher.began.wait()
    await catalog.write(partial(delete, task_id=TASK, index=0))
    gate.set()
    await attempt
    assert (images(tmp_path / "archive"), list(store.staging.iterdir())) == ([], [])
    asset = await asset_of(catalog)
    assert (asset.status, asset.attempts, asset.stored) == (AssetStatus.DELETED, 0, None)
    assert "darkroom_archived_bytes_total 0.0" in metrics.render()[0].decode()


async def test_a_database_that_fails_after_the_store_took_the_bytes_loses_nothing(
    catalog: Catalog, store: FilesystemStore, tmp_path: Path
) -> None:
    class Failing(Catalog):
        async def write(self, work, **how):  # type: ignore[no-untyped-def]
            raise CatalogUnavailable("disk full")

    await told(catalog)
    [claimed] = await is_due(catalog)
    broken = Failing(tmp_path / "darkroom.db")
    broken.open()
    with pytest.raises(CatalogUnavailable):
        await archiver_for(broken, store, FakeFetcher(store.staging)).work(claimed)
    broken.close()
    assert (await asset_of(catalog)).status is AssetStatus.PENDING
    await catalog.write(lambda tx: tx.work.release_asset(claimed))
    await archive_due(archiver_for(catalog, store, FakeFetcher(store.staging)))
    assert len(images(tmp_path / "archive")) == 1


async def make_due(catalog: Catalog) -> None:
    """Let the waits of all assets be over, as time would."""
    state = await state_of(catalog)
    past = datetime.now(UTC) - timedelta(seconds=1)
    assets = tuple(replace(one, next_attempt_at=one.next_attempt_at and past) for one in state.assets)
    await catalog.write(lambda tx: tx.tasks.save([(state, TaskState(state.task, assets))]))


async def test_each_attempt_tries_the_next_of_the_known_links(catalog: Catalog, store: FilesystemStore) -> None:
    await told(catalog, LINK)
    await told(catalog, f"{OTHER}?signed=1")  # counts are equal: a fresh link for the same index
    gone = Failed(Failure.LINK_GONE, "answered 404")
    fetcher = FakeFetcher(store.staging, {LINK: gone, f"{OTHER}?signed=1": gone})
    for attempt in range(2):
        await make_due(catalog)
        await archive_due(archiver_for(catalog, store, fetcher))
        assert (await asset_of(catalog)).attempts == attempt + 1
    assert fetcher.asked == [f"{OTHER}?signed=1", LINK]


async def test_two_who_fetched_different_bytes_leave_one_image(
    catalog: Catalog, store: FilesystemStore, tmp_path: Path
) -> None:
    await told(catalog)
    gate = asyncio.Event()
    slow = FakeFetcher(store.staging, {LINK: b"made anew for each request"}, gate=gate)
    attempt = asyncio.create_task(archive_due(archiver_for(catalog, store, slow)))
    await slow.began.wait()
    await catalog.write(lambda tx: tx.work.clear_leases())
    await archive_due(archiver_for(catalog, store, FakeFetcher(store.staging)))
    gate.set()
    await attempt
    await purge_due(catalog, store)
    assert len(images(tmp_path / "archive")) == 1


async def test_deleted_bytes_that_come_back_under_another_index_are_not_counted_as_archived(
    catalog: Catalog, store: FilesystemStore, tmp_path: Path
) -> None:
    await told(catalog, LINK, OTHER)
    metrics = Metrics()
    later = FakeFetcher(store.staging, {OTHER: Failed(Failure.UNREACHABLE, "no route")})
    await archive_due(archiver_for(catalog, store, later, metrics=metrics))
    await catalog.write(partial(delete, task_id=TASK, index=0))
    await make_due(catalog)
    same = FakeFetcher(store.staging, {OTHER: picture(LINK)})
    await archive_due(archiver_for(catalog, store, same, metrics=metrics))
    await purge_due(catalog, store)
    assert [one.status for one in (await state_of(catalog)).assets] == [AssetStatus.DELETED] * 2
    assert images(tmp_path / "archive") == []
    assert f"darkroom_archived_bytes_total {len(picture(LINK)):.1f}" in metrics.render()[0].decode()


async def test_a_task_that_is_not_there_counts_nothing(catalog: Catalog) -> None:
    claimed = ClaimedAsset("task-none", 0, "claim")
    outcome = Failed(Failure.UNREACHABLE, "x")
    recorded = await catalog.write(partial(record, claimed=claimed, link="", outcome=outcome, jitter=0.0))
    assert (recorded.asset, recorded.counted) == (None, False)
