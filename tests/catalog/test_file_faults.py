"""The database's files taken away, replaced or damaged while they are in use: nothing is acknowledged that is lost."""

import asyncio
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa

from service.catalog.sqlite import SqliteEngine
from service.errors import CatalogUnavailable

LOGS = ("-wal", "-shm")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "x.db"


@pytest.fixture
def engine(path: Path) -> Iterator[SqliteEngine]:
    engine = SqliteEngine(path)
    engine.open()
    yield engine
    engine.close()


@pytest.fixture
async def filled(engine: SqliteEngine) -> SqliteEngine:
    """A database with one row."""
    await engine.write(lambda c: c.exec_driver_sql("CREATE TABLE t (x)"))
    await put(engine, 1)
    return engine


async def put(engine: SqliteEngine, number: int) -> None:
    await engine.write(lambda c: c.exec_driver_sql(f"INSERT INTO t VALUES ({number})"))


async def numbers(engine: SqliteEngine) -> object:
    return await engine.read(lambda c: c.exec_driver_sql("SELECT group_concat(x) FROM t").scalar())


def after_power_cut(path: Path, elsewhere: Path) -> object:
    """What a process finds that opens the files as they are on disk now."""
    shutil.copytree(path.parent, elsewhere)
    other = sqlite3.connect(elsewhere / path.name)
    try:
        return other.execute("SELECT group_concat(x) FROM t").fetchone()[0]
    finally:
        other.close()


async def test_a_removed_database_takes_nothing_more_and_still_tells_what_it_holds(
    filled: SqliteEngine, path: Path
) -> None:
    path.unlink()
    with pytest.raises(CatalogUnavailable, match=r"removed, replaced or emptied.*darkroom rebuild"):
        await put(filled, 2)
    with pytest.raises(CatalogUnavailable, match="removed"):
        await filled.prove_writable()
    assert await numbers(filled) == "1"
    assert not path.exists(), "an empty one in its place would pass for the real one"


async def test_a_database_that_is_put_back_is_worked_with_again(filled: SqliteEngine, path: Path) -> None:
    path.rename(path.with_name("aside"))
    with pytest.raises(CatalogUnavailable):
        await put(filled, 2)
    path.with_name("aside").rename(path)
    await put(filled, 3)
    assert await numbers(filled) == "1,3"


async def test_a_directory_that_went_away_and_came_back_is_worked_with_again(filled: SqliteEngine, path: Path) -> None:
    path.parent.rename(path.parent.with_name("away"))
    path.parent.mkdir()
    with pytest.raises(CatalogUnavailable):
        await put(filled, 2)
    assert list(path.parent.iterdir()) == []
    path.parent.rmdir()
    path.parent.with_name("away").rename(path.parent)
    await put(filled, 3)
    assert await numbers(filled) == "1,3"


async def test_a_database_that_vanishes_during_a_transaction_is_not_acknowledged(
    filled: SqliteEngine, path: Path
) -> None:
    def unlink(connection: sa.Connection) -> None:
        connection.exec_driver_sql("INSERT INTO t VALUES (2)")
        path.unlink()

    with pytest.raises(CatalogUnavailable, match="removed"):
        await filled.write(unlink)


async def test_an_emptied_database_takes_nothing_more(filled: SqliteEngine, path: Path) -> None:
    path.write_bytes(b"")
    with pytest.raises(CatalogUnavailable, match="emptied"):
        await put(filled, 2)


async def test_another_database_in_its_place_is_neither_used_nor_robbed_of_its_log(path: Path, tmp_path: Path) -> None:
    engine = SqliteEngine(path)
    engine.open()
    await engine.write(lambda c: c.exec_driver_sql("CREATE TABLE t (x)"))
    for name in ("x.db", "x.db-wal"):
        shutil.copy(path.with_name(name), tmp_path / name)
        (tmp_path / name).replace(path.with_name(name))
    with pytest.raises(CatalogUnavailable, match="replaced"):
        await put(engine, 1)
    engine.close()
    assert path.with_name("x.db-wal").exists(), "it was removed by its name"


@pytest.mark.parametrize("gone", [("-wal",), ("-shm",), LOGS])
async def test_a_removed_log_costs_nothing_that_was_committed(
    filled: SqliteEngine, path: Path, tmp_path: Path, gone: tuple[str, ...]
) -> None:
    await numbers(filled)  # a reader holds the old log as well
    for suffix in gone:
        path.with_name(f"x.db{suffix}").unlink()
    await put(filled, 2)
    await put(filled, 3)
    assert await numbers(filled) == "1,2,3"
    assert after_power_cut(path, tmp_path / "elsewhere") == "1,2,3"


async def test_a_log_that_is_removed_during_a_transaction_costs_nothing(
    filled: SqliteEngine, path: Path, tmp_path: Path
) -> None:
    def unlink(connection: sa.Connection) -> None:
        connection.exec_driver_sql("INSERT INTO t VALUES (2)")
        path.with_name("x.db-wal").unlink()

    await filled.write(unlink)
    assert after_power_cut(path, tmp_path / "elsewhere") == "1,2"


async def test_a_log_that_somebody_else_has_begun_is_not_written_past(filled: SqliteEngine, path: Path) -> None:
    path.with_name("x.db-wal").rename(path.with_name("aside"))
    path.with_name("x.db-wal").touch()
    with pytest.raises(CatalogUnavailable, match="another log"):
        await put(filled, 2)


def damage(path: Path) -> None:
    """Overwrite everything behind the first page, as a failing disk would."""
    with path.open("r+b") as file:
        size = path.stat().st_size
        file.seek(4096)
        file.write(b"\x5a" * (size - 4096))


async def test_a_damaged_database_takes_nothing_more_whatever_part_would_still_do(path: Path) -> None:
    first = SqliteEngine(path)
    first.open()
    await first.write(lambda c: c.exec_driver_sql("CREATE TABLE t (x)"))
    await put(first, 1)
    first.close()  # everything is in the database itself now
    damage(path)
    engine = SqliteEngine(path)
    engine.open()  # the first page is sound
    await engine.prove_writable()
    with pytest.raises(CatalogUnavailable, match=r"damaged.*darkroom rebuild"):
        await numbers(engine)
    for attempt in (partial(put, engine, 2), engine.prove_writable):
        with pytest.raises(CatalogUnavailable, match=r"damaged.*darkroom rebuild"):
            await attempt()
    engine.close()


async def test_a_file_that_is_no_database_is_named_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "bad.db").write_bytes(b"not a database at all" * 100)
    bad = SqliteEngine(tmp_path / "bad.db")
    with pytest.raises(CatalogUnavailable, match=r"bad\.db cannot be opened: file is not a database.*darkroom rebuild"):
        bad.open()
    bad.close()


async def test_a_log_that_is_removed_while_somebody_reads_is_renewed_whole(filled: SqliteEngine, path: Path) -> None:
    begun, end = threading.Event(), threading.Event()

    def slowly(connection: sa.Connection) -> object:
        begun.set()
        end.wait(10)
        return connection.exec_driver_sql("SELECT group_concat(x) FROM t").scalar()

    reading = asyncio.create_task(filled.read(slowly))
    await asyncio.to_thread(begun.wait, 10)
    for suffix in LOGS:
        path.with_name(f"x.db{suffix}").unlink()
    writing = asyncio.create_task(put(filled, 2))
    end.set()
    await reading
    await writing
    assert all(path.with_name(f"x.db{suffix}").exists() for suffix in LOGS)
    assert await asyncio.gather(*(numbers(filled) for _ in range(8))) == ["1,2"] * 8


async def test_the_log_of_a_database_behind_a_symbolic_link_is_watched_too(tmp_path: Path) -> None:
    real, link = tmp_path / "real" / "x.db", tmp_path / "x.db"
    real.parent.mkdir()
    link.symlink_to(real)
    engine = SqliteEngine(link)
    engine.open()
    await engine.write(lambda c: c.exec_driver_sql("CREATE TABLE t (x)"))
    for suffix in LOGS:
        real.with_name(f"x.db{suffix}").unlink()
    await put(engine, 1)
    assert after_power_cut(real, tmp_path / "elsewhere") == "1"
    engine.close()


@pytest.mark.parametrize("name", ["a%b", "a?b#c", "größe", "a b"])
async def test_a_path_may_have_any_name(tmp_path: Path, name: str) -> None:
    engine = SqliteEngine(Path(f"//{tmp_path}") / name / "x.db")
    engine.open()
    await engine.write(lambda c: c.exec_driver_sql("CREATE TABLE t (x)"))
    engine.close()
    assert (tmp_path / name / "x.db").stat().st_size > 0
