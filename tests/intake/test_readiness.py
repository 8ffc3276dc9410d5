"""Readiness: what is looked at, what is said, and that it recovers."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from service.catalog.catalog import Catalog
from service.catalog.marks import TAKING_IN
from service.errors import StorageUnavailable, Unavailable
from service.intake.readiness import Readiness
from service.observability import Metrics
from tests.support.databases import on_sqlite
from tests.support.memory_store import MemoryStore

MUCH = 1 << 60
LATE = "the database did not answer within 3 s"


def storable(readiness: Readiness) -> bool:
    """Whether a callback would be taken."""
    try:
        readiness.require_storable()
    except Unavailable:
        return False
    return True


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Another process has the database for itself."""
    with closing(sqlite3.connect(folder / "darkroom.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")


def readiness(
    catalog: Catalog,
    folder: Path,
    *,
    min_free: int = 0,
    store: MemoryStore | None = None,
    metrics: Metrics | None = None,
) -> Readiness:
    return Readiness(
        catalog=catalog,
        store=store or MemoryStore(folder),
        folder=folder,
        min_free_bytes=min_free,
        metrics=metrics or Metrics(),
    )


def shown(metrics: Metrics) -> dict[str, float]:
    """What readiness publishes, by name."""
    return {
        sample.name.removeprefix("darkroom_"): sample.value
        for family in text_string_to_metric_families(metrics.render()[0].decode())
        for sample in family.samples
        if sample.name in ("darkroom_ready", "darkroom_free_bytes", "darkroom_min_free_bytes")
    }


async def test_before_the_first_look_nothing_is_promised(catalog: Catalog, tmp_path: Path) -> None:
    unknown = readiness(catalog, tmp_path)
    assert not storable(unknown)
    with pytest.raises(Unavailable):
        unknown.require_storable()
    await unknown.probe()
    assert (storable(unknown), unknown.problems) == (True, {})
    unknown.require_storable()


async def test_too_little_space_beside_the_database_is_a_problem_that_names_the_setting(
    catalog: Catalog, tmp_path: Path
) -> None:
    full = readiness(catalog, tmp_path, min_free=MUCH)
    await full.probe()
    assert not storable(full)
    assert "DARKROOM_STORAGE__MIN_FREE_BYTES" in full.problems["storage"]
    with pytest.raises(Unavailable, match="MIN_FREE_BYTES") as raised:
        full.require_storable()
    assert raised.value.retry_after >= 1


async def test_too_little_space_in_the_store_counts_by_itself_and_recovers(catalog: Catalog, tmp_path: Path) -> None:
    free = [5]

    class Filling(MemoryStore):
        async def free_bytes(self) -> int | None:
            return free[0]

    checked = readiness(catalog, tmp_path, min_free=10, store=Filling(tmp_path))
    await checked.probe()
    assert "only 5 bytes" in checked.problems["storage"]
    free[0] = 10
    await checked.probe()
    assert checked.problems == {}


async def test_a_store_without_limit_leaves_the_disk_of_the_database_to_decide(
    catalog: Catalog, tmp_path: Path
) -> None:
    endless = readiness(catalog, tmp_path, min_free=1, store=MemoryStore(tmp_path, free=None))
    await endless.probe()
    assert storable(endless)


async def test_a_store_that_is_ill_is_a_problem(catalog: Catalog, tmp_path: Path) -> None:
    ill = ["unplugged"]
    store = MemoryStore(tmp_path, ill=lambda _verb, _key: ill[0] if ill else None)
    checked = readiness(catalog, tmp_path, store=store)
    await checked.probe()
    assert checked.problems == {"storage": "unplugged"}
    ill.clear()
    await checked.probe()
    assert storable(checked)


async def test_a_bucket_that_is_away_is_a_problem_that_keeps_no_callback_out(catalog: Catalog, tmp_path: Path) -> None:
    away = ["unplugged"]

    async def bucket() -> None:
        if away:
            raise StorageUnavailable(away[0])

    checked = Readiness(
        catalog=catalog, store=None, folder=tmp_path, min_free_bytes=0, metrics=Metrics(), bucket=bucket
    )
    await checked.probe()
    assert (checked.problems, storable(checked)) == ({"bucket": "unplugged"}, True)
    away.clear()
    await checked.probe()
    assert checked.problems == {}


async def test_a_bucket_that_is_slow_to_answer_is_asked_once_and_believed_for_a_while(
    catalog: Catalog, tmp_path: Path
) -> None:
    asked: list[int] = []
    answer = asyncio.Event()

    async def bucket() -> None:
        asked.append(1)
        await answer.wait()

    checked = Readiness(
        catalog=catalog, store=None, folder=tmp_path, min_free_bytes=0, metrics=Metrics(), bucket=bucket
    )
    await asyncio.gather(checked.probe(), checked.probe())
    assert (checked.problems, asked) == ({}, [1])
    answer.set()
    await checked.probe()
    assert (checked.problems, asked) == ({}, [1])


async def test_a_data_directory_that_vanished_is_a_problem_and_no_crash(catalog: Catalog, tmp_path: Path) -> None:
    checked = readiness(catalog, tmp_path / "gone")
    await checked.probe()
    assert "cannot be read" in checked.problems["storage"]


async def test_whoever_keeps_no_files_looks_at_no_disk(catalog: Catalog) -> None:
    metrics = Metrics()
    checked = Readiness(catalog=catalog, store=None, folder=None, min_free_bytes=MUCH, metrics=metrics)
    await checked.probe()
    assert checked.problems == {}
    assert shown(metrics) == {"ready": 1}


async def test_metrics_tell_whether_it_is_ready_and_how_much_room_there_is(catalog: Catalog, tmp_path: Path) -> None:
    free = [5]

    class Filling(MemoryStore):
        async def free_bytes(self) -> int | None:
            return free[0]

    metrics = Metrics()
    checked = readiness(catalog, tmp_path, min_free=10, store=Filling(tmp_path), metrics=metrics)
    assert shown(metrics) == {"ready": 0}
    await checked.probe()
    assert shown(metrics) == {"ready": 0, "free_bytes": 5, "min_free_bytes": 10}
    free[0] = 11
    await checked.probe()
    assert shown(metrics) == {"ready": 1, "free_bytes": 11, "min_free_bytes": 10}
    checked.drain()
    assert shown(metrics)["ready"] == 0
    await checked.probe()
    assert shown(metrics)["ready"] == 0


async def test_it_is_noted_when_callbacks_can_be_taken_in_again_and_only_by_who_takes_them_in(
    catalog: Catalog, tmp_path: Path
) -> None:
    async def noted() -> datetime | None:
        return await catalog.read(lambda tx: tx.marks.get(TAKING_IN))

    ill = [""]
    store = MemoryStore(tmp_path, ill=lambda _verb, _key: ill[0] or None)
    deaf = Readiness(catalog=catalog, store=store, folder=tmp_path, min_free_bytes=0, metrics=Metrics(), takes_in=False)
    await deaf.probe()
    assert await noted() is None
    checked = readiness(catalog, tmp_path, store=store)
    await checked.probe()
    first = await noted()
    assert first is not None
    for what, again in (("", False), ("unplugged", False), ("", True)):
        ill[0] = what
        await checked.probe()
        assert (await noted() != first) is again


@on_sqlite
async def test_a_locked_database_is_a_problem_until_it_is_free_again(catalog: Catalog, tmp_path: Path) -> None:
    checked = readiness(catalog, tmp_path)
    with locked(tmp_path):
        await checked.probe()
        assert not storable(checked)
        assert checked.problems["database"]
    await checked.probe()
    assert checked.problems == {}


@on_sqlite
async def test_a_database_that_is_late_once_keeps_no_callback_out(catalog: Catalog, tmp_path: Path) -> None:
    async def noted() -> datetime | None:
        return await catalog.read(lambda tx: tx.marks.get(TAKING_IN))

    checked = readiness(catalog, tmp_path)
    await checked.probe()
    before = await noted()
    with locked(tmp_path):
        await checked.probe()
        assert (checked.problems, storable(checked)) == ({"database": LATE}, True)
    await checked.probe()
    assert (checked.problems, storable(checked)) == ({}, True)
    assert await noted() != before, "who waited for a commit meanwhile may have given up"


@on_sqlite
async def test_a_database_that_stays_late_keeps_callbacks_out_until_it_answers(
    catalog: Catalog, tmp_path: Path
) -> None:
    checked = readiness(catalog, tmp_path)
    await checked.probe()
    with locked(tmp_path):
        for _ in range(2):
            await checked.probe()
        assert not storable(checked)
    await checked.probe()
    assert (checked.problems, storable(checked)) == ({}, True)


@on_sqlite
async def test_at_the_start_a_database_that_is_late_is_waited_for(catalog: Catalog, tmp_path: Path) -> None:
    checked = readiness(catalog, tmp_path)
    with locked(tmp_path):
        beginning = asyncio.create_task(checked.begin())
        async with asyncio.timeout(30):
            while checked.problems != {"database": LATE}:
                await asyncio.sleep(0.01)
        assert not storable(checked)
        assert not beginning.done()
    await beginning
    assert (checked.problems, storable(checked)) == ({}, True)


@on_sqlite
async def test_at_the_start_a_database_that_is_locked_for_long_is_not_waited_for(
    catalog: Catalog, tmp_path: Path
) -> None:
    checked = readiness(catalog, tmp_path)
    with locked(tmp_path):
        async with asyncio.timeout(30):
            await checked.begin()
        assert not storable(checked)
        assert "another process holds its lock" in checked.problems["database"]


async def test_leaving_is_not_ready_but_still_storable(catalog: Catalog, tmp_path: Path) -> None:
    leaving = readiness(catalog, tmp_path)
    await leaving.probe()
    assert (leaving.draining, leaving.draining_since) == (False, None)
    leaving.drain()
    assert (leaving.draining, storable(leaving), leaving.problems) == (True, True, {"drain": "shutting down"})
    leaving.require_storable()


async def test_it_keeps_looking(catalog: Catalog, tmp_path: Path) -> None:
    looked: list[int] = []
    twice = asyncio.Event()

    class Watched(MemoryStore):
        async def free_bytes(self) -> int | None:
            looked.append(1)
            twice.set()
            return None

    loop = asyncio.create_task(readiness(catalog, tmp_path, store=Watched(tmp_path)).run())
    async with asyncio.timeout(10):
        await twice.wait()
    loop.cancel()
    await asyncio.wait([loop])
    assert looked
