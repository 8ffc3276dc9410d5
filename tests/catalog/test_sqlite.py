"""SQLite as configured: durable, serial, and clear about whose fault an error is."""

import asyncio
import sqlite3
import threading
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa

from service.catalog.engine import Priority
from service.catalog.sqlite import SqliteEngine
from service.errors import CatalogUnavailable


@pytest.fixture
def engine(tmp_path: Path):  # type: ignore[no-untyped-def]
    engine = SqliteEngine(tmp_path / "x.db")
    engine.open()
    yield engine
    engine.close()


class Held:
    """Work that goes on when it is told to."""

    def __init__(self) -> None:
        self.begun, self.go_on = asyncio.Event(), asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def __call__(self, _connection: sa.Connection) -> None:
        self._loop.call_soon_threadsafe(self.begun.set)
        asyncio.run_coroutine_threadsafe(self.go_on.wait(), self._loop).result(10)


async def test_every_connection_is_wal_and_syncs_fully(engine: SqliteEngine) -> None:
    for run in (engine.write, engine.read):
        mode = await run(lambda c: c.exec_driver_sql("PRAGMA journal_mode").scalar())
        sync = await run(lambda c: c.exec_driver_sql("PRAGMA synchronous").scalar())
        assert (mode, sync) == ("wal", 2)


async def test_a_failed_transaction_leaves_nothing_behind(engine: SqliteEngine) -> None:
    await engine.write(lambda c: c.exec_driver_sql("CREATE TABLE t (x)"))

    def breaks(connection: sa.Connection) -> None:
        connection.exec_driver_sql("INSERT INTO t VALUES (1)")
        raise RuntimeError("half-way")

    with pytest.raises(RuntimeError, match="half-way"):
        await engine.write(breaks)
    assert await engine.read(lambda c: c.exec_driver_sql("SELECT count(*) FROM t").scalar()) == 0


async def test_intake_goes_before_other_work_that_waits(engine: SqliteEngine) -> None:
    order: list[str] = []
    slow = Held()
    first = asyncio.create_task(engine.write(slow))
    await slow.begun.wait()
    later = [
        asyncio.create_task(engine.write(lambda _c: order.append("work"))),
        asyncio.create_task(engine.write(lambda _c: order.append("intake"), priority=Priority.INTAKE)),
    ]
    await asyncio.sleep(0)
    slow.go_on.set()
    await asyncio.gather(first, *later)
    assert order == ["intake", "work"]


async def test_what_the_intake_writes_is_durable_before_other_work_begins_that_waited_longer(
    engine: SqliteEngine,
) -> None:
    """Its callers wait for an answer: they share the transaction that is open, and it takes in nothing behind them."""
    held = [Held(), Held()]
    first, second = (asyncio.create_task(engine.write(one)) for one in held)
    await held[0].begun.wait()
    intake = asyncio.create_task(engine.write(lambda c: c.exec_driver_sql("SELECT 1"), priority=Priority.INTAKE))
    await asyncio.sleep(0)
    held[0].go_on.set()
    await asyncio.wait_for(intake, 10)
    await asyncio.wait_for(held[1].begun.wait(), 10)
    assert (first.done(), second.done()) == (True, False)
    held[1].go_on.set()
    await second


async def test_a_lock_held_by_somebody_else_is_unavailable_not_a_crash(engine: SqliteEngine, tmp_path: Path) -> None:
    await engine.write(lambda c: c.exec_driver_sql("CREATE TABLE t (x)"))
    other = sqlite3.connect(tmp_path / "x.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(CatalogUnavailable, match="locked"):
        await engine.write(lambda c: c.exec_driver_sql("INSERT INTO t VALUES (1)"))
    other.execute("ROLLBACK")
    other.close()
    await engine.write(lambda c: c.exec_driver_sql("INSERT INTO t VALUES (1)"))


class Busy:
    """Another process's writer: it holds the lock for nearly all of the time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.holds, self.ended = threading.Event(), threading.Event()

    def run(self) -> None:
        with closing(sqlite3.connect(self._path, isolation_level=None, timeout=10)) as other:
            while not self.ended.is_set():
                other.execute("BEGIN IMMEDIATE")
                self.holds.set()
                self.ended.wait(0.02)
                self.holds.clear()
                other.execute("COMMIT")
                self.ended.wait(0.001)


async def test_between_the_transactions_of_a_process_that_hardly_pauses_another_gets_its_turn(
    engine: SqliteEngine, tmp_path: Path
) -> None:
    await engine.write(lambda c: c.exec_driver_sql("CREATE TABLE t (x)"))
    busy = Busy(tmp_path / "x.db")
    running = asyncio.create_task(asyncio.to_thread(busy.run))
    try:
        for _ in range(20):
            assert await asyncio.to_thread(busy.holds.wait, 10)
            async with asyncio.timeout(1.5):
                await engine.write(lambda c: c.exec_driver_sql("INSERT INTO t VALUES (1)"))
    finally:
        busy.ended.set()
        await running


async def test_a_value_that_does_not_fit_is_the_statements_own_fault(engine: SqliteEngine) -> None:
    await engine.write(lambda c: c.exec_driver_sql("CREATE TABLE t (x NOT NULL)"))
    with pytest.raises(sa.exc.IntegrityError):
        await engine.write(lambda c: c.exec_driver_sql("INSERT INTO t VALUES (NULL)"))


async def test_readers_cannot_write(engine: SqliteEngine) -> None:
    with pytest.raises(CatalogUnavailable, match="readonly"):
        await engine.read(lambda c: c.exec_driver_sql("CREATE TABLE t (x)"))


async def test_a_file_that_is_no_database_is_told_apart(tmp_path: Path) -> None:
    (tmp_path / "bad.db").write_bytes(b"not a database at all" * 100)
    bad = SqliteEngine(tmp_path / "bad.db")
    with pytest.raises(CatalogUnavailable, match="cannot be opened"):
        bad.open()
    bad.close()


def run(connection: sa.Connection, *, sql: str) -> int:
    return connection.exec_driver_sql(sql).rowcount


async def test_writes_that_wait_share_a_transaction_and_one_that_fails_takes_no_other_with_it(
    engine: SqliteEngine,
) -> None:
    await engine.write(lambda c: c.exec_driver_sql("CREATE TABLE t (x NOT NULL)"))
    slow = Held()
    first = asyncio.create_task(engine.write(slow))
    await slow.begun.wait()
    inserts = ["INSERT INTO t VALUES (1)", "INSERT INTO t VALUES (NULL)", "INSERT INTO t VALUES (3)"]
    later = [asyncio.create_task(engine.write(partial(run, sql=sql))) for sql in inserts]
    await asyncio.sleep(0)
    slow.go_on.set()
    await first
    outcomes = await asyncio.gather(*later, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [int, sa.exc.IntegrityError, int]
    assert await engine.read(lambda c: c.exec_driver_sql("SELECT group_concat(x) FROM t").scalar()) == "1,3"
