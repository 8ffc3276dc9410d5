"""Copying a catalog into another database: only into an empty one or one that was begun, and whole or not at all."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from service.bootstrap import open_catalog, open_components
from service.bootstrap.upkeep import open_to_rebuild
from service.catalog.catalog import Catalog
from service.errors import Conflict, SettingsError
from service.intake.register import Told, register
from service.upkeep.copied import Copied
from service.upkeep.copy_rows import RowCopy
from tests.support.app import settings_for
from tests.support.deliveries import RULES, TASK
from tests.support.dump import dump
from tests.support.migrated import put_migrated
from tests.upkeep.kept_archive import Archive
from tests.upkeep.moving import Killed, Report, move


@pytest.fixture
def target_path(tmp_path: Path) -> Path:
    return put_migrated(tmp_path / "house" / "data" / "darkroom.db")


@pytest.fixture
def target(target_path: Path) -> Iterator[Catalog]:
    catalog = Catalog(target_path)
    catalog.open()
    yield catalog
    catalog.close()


async def copied(archive: Archive, target: Catalog, *, stop_at: int = 10**9) -> Report:
    """Copy until so many rows were seen or verified."""
    return await move(
        archive.catalog,
        into=target,
        journal=archive.folder / "journal",
        stop_when=lambda done: done.rows_seen + done.rows_verified >= stop_at,
    )


def run(path: Path, sql: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(sql)


async def assert_same(archive: Archive, target_path: Path) -> None:
    assert dump(target_path) == dump(archive.folder / "darkroom.db")


async def test_an_empty_database_holds_the_same_afterwards(
    archive: Archive, target: Catalog, target_path: Path
) -> None:
    await archive.keep("task-a", "task-b", images=2)
    report = await copied(archive, target)
    await assert_same(archive, target_path)
    assert report.copied.rows == report.copied.rows_seen == report.copied.rows_verified > 8
    target.require_whole()


async def test_a_copy_that_came_to_its_end_is_found_to_be_one(
    archive: Archive, target: Catalog, target_path: Path
) -> None:
    await archive.keep()
    await copied(archive, target)
    assert (await copied(archive, target)).copied == Copied()
    target.require_whole()


@pytest.mark.parametrize("stop_at", [5, *(pytest.param(at, marks=pytest.mark.long) for at in (1, 8, 12))])
async def test_an_interrupted_copy_is_no_catalog_until_it_is_finished(
    archive: Archive, target: Catalog, target_path: Path, tmp_path: Path, stop_at: int
) -> None:
    await archive.keep("task-a", "task-b")
    with pytest.raises(Killed):
        await copied(archive, target, stop_at=stop_at)
    target.close()
    house = settings_for(tmp_path / "house")
    for opening in (open_catalog, open_components, open_to_rebuild):
        (house.data_dir / "archive").mkdir(exist_ok=True)
        with pytest.raises(SettingsError, match="run the same `darkroom copy` again"), opening(house):
            pass
    again = Catalog(target_path)
    again.open()
    await copied(archive, again)
    again.close()
    await assert_same(archive, target_path)
    with open_catalog(house):
        pass


async def test_what_changed_between_an_interruption_and_the_next_run_is_brought_over(
    archive: Archive, target: Catalog, target_path: Path
) -> None:
    await archive.keep("task-a", "task-b", "task-c")
    with pytest.raises(Killed):
        await copied(archive, target, stop_at=15)
    await archive.delete(0, "task-a")
    await archive.keep("task-d")
    run(archive.folder / "darkroom.db", "DELETE FROM assets WHERE task_id = 'task-b'")
    run(archive.folder / "darkroom.db", "DELETE FROM tasks WHERE id = 'task-b'")
    run(archive.folder / "darkroom.db", "DELETE FROM callbacks WHERE task_id = 'task-d'")
    await copied(archive, target)
    await assert_same(archive, target_path)


async def test_rows_that_were_numbered_anew_meanwhile_are_not_in_each_others_way(
    archive: Archive, target: Catalog, target_path: Path
) -> None:
    await archive.keep("task-a", "task-b", "task-c")
    with pytest.raises(Killed):
        await copied(archive, target, stop_at=15)
    run(archive.folder / "darkroom.db", "UPDATE tasks SET seq = -seq")
    run(archive.folder / "darkroom.db", "UPDATE tasks SET seq = 4 + seq")
    await copied(archive, target)
    await assert_same(archive, target_path)


async def test_a_database_with_tasks_of_its_own_is_refused_and_left_alone(
    archive: Archive, target: Catalog, target_path: Path
) -> None:
    await archive.keep()
    await target.write(partial(register, told=Told("task-foreign"), rules=RULES))
    before = dump(target_path)
    with pytest.raises(Conflict, match=r"holds tasks of its own .*--to-database"):
        await copied(archive, target)
    assert dump(target_path) == before


async def test_a_copy_that_was_worked_with_is_refused_too(archive: Archive, target: Catalog) -> None:
    await archive.keep()
    await copied(archive, target)
    await target.write(partial(register, told=Told("task-new"), rules=RULES))
    with pytest.raises(Conflict, match="table history, key 2 is not as in"):
        await copied(archive, target)


async def test_an_unfinished_copy_of_something_else_is_refused(
    archive: Archive, target: Catalog, tmp_path: Path
) -> None:
    await archive.keep()
    other = Catalog(put_migrated(tmp_path / "other.db"))
    other.open()
    assert await RowCopy(source=other, target=target, require_stopped=lambda: None, tell=lambda _: None).begin()
    other.close()
    with pytest.raises(Conflict, match=r"unfinished copy of .*other\.db"):
        await copied(archive, target)


async def test_a_server_that_came_in_is_looked_for_once_it_would_be_kept_out_and_at_the_end(
    archive: Archive, target: Catalog
) -> None:
    await archive.keep()
    serving = [True]

    def require_stopped() -> None:
        if serving[0]:
            raise SettingsError("stop them")

    work = RowCopy(source=archive.catalog, target=target, require_stopped=require_stopped, tell=lambda _: None)
    with pytest.raises(SettingsError, match="stop them"):
        await work.begin()
    with pytest.raises(SettingsError, match="unfinished"):
        target.require_whole()
    serving[0] = False
    assert await work.begin()
    await work.copy()
    serving[0] = True
    with pytest.raises(SettingsError, match="stop them"):
        await work.conclude()
    with pytest.raises(SettingsError, match="unfinished"):
        target.require_whole()


async def test_a_difference_at_the_end_names_table_and_key_and_leaves_the_copy_unfinished(
    archive: Archive, target: Catalog, target_path: Path
) -> None:
    await archive.keep()
    work = RowCopy(source=archive.catalog, target=target, require_stopped=lambda: None, tell=lambda _: None)
    await work.begin()
    await work.copy()
    run(target_path, "UPDATE assets SET bytes = bytes + 1")
    with pytest.raises(Conflict, match="table assets, key 1"):
        await work.conclude()
    run(target_path, "UPDATE assets SET bytes = bytes - 1")
    run(target_path, "INSERT INTO marks VALUES ('zzz', '2026-05-01 12:00:00.000000')")
    with pytest.raises(Conflict, match="table marks, key 'zzz'"):
        await work.conclude()
    with pytest.raises(SettingsError, match="unfinished"):
        target.require_whole()
    assert (await archive.state()).task.id == TASK
