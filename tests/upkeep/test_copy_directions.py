"""Moving house between the real engines, each way: rows and bytes arrive as they were, and come back so."""

import tracemalloc
from pathlib import Path

import pytest

from service.catalog.catalog import Catalog, Transaction
from service.catalog.transfer import TABLES
from service.errors import CatalogUnavailable
from service.upkeep.copy_rows import RowCopy
from service.upkeep.findings import Kind
from tests.support.dump import dump
from tests.upkeep.conftest import House
from tests.upkeep.kept_archive import Archive
from tests.upkeep.moving import Killed, move, objects_in
from tests.upkeep.test_memory import LARGE, MIB, grow


async def live_in(archive: Archive) -> None:
    """Let there be something of everything: what is archived, deleted, waiting, minted, and unreadable."""
    await archive.keep("task-a", "task-b", images=2)
    await archive.delete(1, "task-a")
    await archive.work()
    await archive.complete("task-waiting", images=2, prompt="a cat \U0001f431")
    await archive.catalog.write(lambda tx: tx.work.claim_assets(1))
    await archive.catalog.write(lambda tx: tx.marks.set("key:evolink:abc", tx.now))


async def moved(source: Archive, target: Archive, journal: Path) -> None:
    report = await move(
        source.catalog, into=target.catalog, stores=(source.store, target.store), journal=journal / "journal"
    )
    assert report.findings == []


async def rows_in(catalog: Catalog) -> dict[str, list[str]]:
    """The fingerprint of each row, by table."""

    def read(tx: Transaction) -> dict[str, list[str]]:
        pages = {name: (*tx.transfer.ends(name, None), None)[0] for name in TABLES}
        return {
            name: [row.sha256 for row in tx.transfer.rows(name, None, until)]
            for name, until in pages.items()
            if until is not None
        }

    return await catalog.read(read)


WAYS = [
    ("sqlite", "disk", "postgresql", "bucket"),
    pytest.param("postgresql", "bucket", "sqlite", "disk", marks=pytest.mark.long),
    pytest.param("postgresql", "bucket", "postgresql", "bucket", marks=pytest.mark.long),
    pytest.param("sqlite", "bucket", "sqlite", "disk", marks=pytest.mark.long),
    pytest.param("postgresql", "disk", "postgresql", "disk", marks=pytest.mark.long),
]


@pytest.mark.parametrize(("from_rows", "from_objects", "to_rows", "to_objects"), WAYS)
async def test_everything_arrives(
    house: House, tmp_path: Path, from_rows: str, from_objects: str, to_rows: str, to_objects: str
) -> None:
    source, target = house(from_rows, from_objects), house(to_rows, to_objects)
    await live_in(source)
    await moved(source, target, tmp_path)
    assert await rows_in(target.catalog) == await rows_in(source.catalog)
    assert len((await rows_in(target.catalog))["tasks"]) == 3
    assert await objects_in(target.store) == await objects_in(source.store)
    assert len(await objects_in(target.store)) == 5
    await target.work()
    await target.keep("task-new")
    assert (await target.verify()).findings == []


async def test_there_and_back_is_the_same(house: House, tmp_path: Path) -> None:
    home, away, back = house("sqlite", "disk"), house("postgresql", "bucket"), house("sqlite", "disk")
    await live_in(home)
    await home.catalog.write(lambda tx: tx.work.clear_leases())
    await moved(home, away, tmp_path)
    await moved(away, back, tmp_path)
    assert dump(back.folder / "darkroom.db") == dump(home.folder / "darkroom.db")
    assert back.objects() == home.objects()


async def test_on_postgresql_it_is_not_ready_until_the_copy_is_finished(house: House) -> None:
    source, target = house("sqlite", "disk"), house("postgresql", "disk")
    await live_in(source)
    work = RowCopy(source=source.catalog, target=target.catalog, require_stopped=lambda: None, tell=lambda _: None)
    await work.begin()
    await work.copy()
    with pytest.raises(CatalogUnavailable, match="run the same `darkroom copy` again"):
        await target.catalog.prove_writable()
    await work.conclude()
    await target.catalog.prove_writable()


@pytest.mark.long
async def test_an_interrupted_move_is_finished_by_the_next_run(house: House, tmp_path: Path) -> None:
    source, target = house("sqlite", "disk"), house("postgresql", "bucket")
    await live_in(source)
    for stop_at in (2, 5, 7, 9):
        with pytest.raises(Killed):
            await move(
                source.catalog,
                into=target.catalog,
                stores=(source.store, target.store),
                journal=tmp_path / "journal",
                stop_when=lambda done: done.objects + done.there_already + done.rows_seen >= stop_at,  # noqa: B023 - at once
            )
    await moved(source, target, tmp_path)
    assert await rows_in(target.catalog) == await rows_in(source.catalog)
    assert await objects_in(target.store) == await objects_in(source.store)


async def test_an_archived_image_that_is_in_neither_store_is_told(house: House, tmp_path: Path) -> None:
    source, target = house("sqlite", "disk"), house("sqlite", "disk")
    await source.keep(images=2)
    source.path(await source.key(1)).unlink()
    report = await move(
        source.catalog, into=target.catalog, stores=(source.store, target.store), journal=tmp_path / "journal"
    )
    assert [(one.kind, one.index) for one in report.findings] == [(Kind.MISSING, 1)]
    target.catalog.require_whole()


@pytest.mark.long
async def test_an_image_of_200_mib_passes_in_a_few(house: House, tmp_path: Path) -> None:
    source, target = house("sqlite", "disk"), house("sqlite", "disk")
    await source.keep()
    await grow(source)
    tracemalloc.start()
    report = await move(source.catalog, stores=(source.store, target.store), journal=tmp_path / "journal")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (report.findings, report.copied.size > LARGE) == ([], True)
    assert peak < 16 * MIB
