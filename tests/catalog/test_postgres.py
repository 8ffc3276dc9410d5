"""PostgreSQL under trouble: what is lost is told, what can be tried again is, and nobody has to restart us."""

import asyncio
from collections.abc import Iterator
from functools import partial

import pytest
import sqlalchemy as sa

from service.catalog.catalog import Catalog
from service.catalog.engine import Priority
from service.catalog.postgres import PostgresEngine
from service.errors import CatalogUnavailable
from service.intake.batch import take_in
from tests.support.databases import Databases, on_postgres
from tests.support.deliveries import RULES, delivery, task_object
from tests.support.postgres import PostgresDatabases, own_server

pytestmark = [on_postgres, pytest.mark.usefixtures("databases")]


@pytest.fixture
def engine(databases: Databases) -> Iterator[PostgresEngine]:
    engine = PostgresEngine(str(databases.new()))
    engine.open()
    yield engine
    engine.close()


def run(connection: sa.Connection, *, sql: str) -> object:
    result = connection.exec_driver_sql(sql)
    return result.scalar() if result.returns_rows else result.rowcount


async def do(engine: PostgresEngine, sql: str) -> object:
    return await engine.write(partial(run, sql=sql))


async def test_a_failed_transaction_leaves_nothing_behind(engine: PostgresEngine) -> None:
    await do(engine, "CREATE TABLE t (x integer NOT NULL)")

    def breaks(connection: sa.Connection) -> None:
        connection.exec_driver_sql("INSERT INTO t VALUES (1)")
        raise RuntimeError("half-way")

    with pytest.raises(RuntimeError, match="half-way"):
        await engine.write(breaks)
    with pytest.raises(sa.exc.IntegrityError):
        await do(engine, "INSERT INTO t VALUES (NULL)")
    assert await do(engine, "SELECT count(*) FROM t") == 0


async def test_readers_cannot_write_and_see_one_moment(engine: PostgresEngine) -> None:
    with pytest.raises(CatalogUnavailable, match="read-only"):
        await engine.read(partial(run, sql="CREATE TABLE t (x integer)"))
    level = await engine.read(partial(run, sql="SHOW transaction_isolation"))
    assert level == "repeatable read"


async def test_a_backend_that_is_killed_in_mid_transaction_is_unavailable_and_the_next_one_works(
    engine: PostgresEngine,
) -> None:
    await do(engine, "CREATE TABLE t (x integer)")

    def killed(connection: sa.Connection) -> None:
        connection.exec_driver_sql("INSERT INTO t VALUES (1)")
        connection.exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())")

    with pytest.raises(CatalogUnavailable, match="did not commit"):
        await engine.write(killed)
    assert engine.trouble is not None
    assert await do(engine, "SELECT count(*) FROM t") == 0
    assert engine.trouble is None


async def test_connections_that_died_while_nobody_looked_cost_nobody_anything(engine: PostgresEngine) -> None:
    other = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = "
    await asyncio.gather(*(do(engine, "SELECT pg_sleep(0.05)") for _ in range(4)))
    await do(engine, f"{other} current_database()")
    assert await asyncio.gather(*(do(engine, "SELECT 1") for _ in range(8))) == [1] * 8


async def test_a_statement_that_takes_too_long_ends_in_time(engine: PostgresEngine) -> None:
    def slow(connection: sa.Connection) -> None:
        connection.exec_driver_sql("SET LOCAL statement_timeout = '50ms'")
        connection.exec_driver_sql("SELECT pg_sleep(20)")

    with pytest.raises(CatalogUnavailable, match="too long"):
        await engine.write(slow, priority=Priority.INTAKE)
    limits = [await engine.write(partial(run, sql="SHOW statement_timeout"), priority=one) for one in Priority]
    assert limits == ["5s", "5min", "0"]


async def test_two_that_wait_for_each_other_both_get_through(engine: PostgresEngine) -> None:
    await do(engine, "CREATE TABLE t (x integer, n integer)")
    await do(engine, "INSERT INTO t VALUES (1, 0), (2, 0)")

    def cross(connection: sa.Connection, *, order: tuple[int, int]) -> None:
        for x in order:
            connection.exec_driver_sql(f"UPDATE t SET n = n + 1 WHERE x = {x}")
            connection.exec_driver_sql("SELECT pg_sleep(0.1)")

    await asyncio.gather(engine.write(partial(cross, order=(1, 2))), engine.write(partial(cross, order=(2, 1))))
    assert await do(engine, "SELECT sum(n) FROM t") == 4


async def test_a_row_that_is_there_for_good_is_the_statements_own_fault(engine: PostgresEngine) -> None:
    await do(engine, "CREATE TABLE t (x integer UNIQUE)")
    await do(engine, "INSERT INTO t VALUES (1)")
    with pytest.raises(sa.exc.IntegrityError):
        await do(engine, "INSERT INTO t VALUES (1)")


async def test_a_database_that_forgets_what_it_confirmed_is_refused(databases: Databases) -> None:
    engine = PostgresEngine(f"{databases.new()}?synchronous_commit=off")
    engine.open()
    with pytest.raises(CatalogUnavailable, match="synchronous_commit=off"):
        await do(engine, "SELECT 1")
    assert await engine.read(partial(run, sql="SELECT 1")) == 1
    engine.close()


async def test_a_database_without_tables_names_the_revision_it_lacks_until_it_has_it(databases: Databases) -> None:
    catalog = Catalog(databases.new(migrated=False))
    catalog.open()
    with pytest.raises(CatalogUnavailable, match=r"lacks revision 0005.*darkroom migrate"):
        await catalog.prove_writable()
    with pytest.raises(CatalogUnavailable, match="darkroom migrate"):
        await catalog.write(partial(take_in, batch=[delivery()], rules=RULES))
    assert not await asyncio.to_thread(catalog.has_stored)
    await asyncio.to_thread(catalog.upgrade)
    await catalog.prove_writable()
    catalog.close()


async def test_two_who_migrate_at_once_do_it_once(databases: Databases) -> None:
    where = databases.new(migrated=False)
    catalogs = [Catalog(where), Catalog(where)]
    for catalog in catalogs:
        catalog.open()
    await asyncio.gather(*(asyncio.to_thread(catalog.upgrade) for catalog in catalogs))
    assert [await asyncio.to_thread(catalog.missing_revision) for catalog in catalogs] == [None, None]
    for catalog in catalogs:
        catalog.close()


async def test_a_server_that_went_away_and_came_back_is_worked_with_again() -> None:
    with own_server() as server:
        catalog = Catalog(PostgresDatabases(server.url).new())
        catalog.open()
        await catalog.prove_writable()
        await asyncio.to_thread(server.stop)
        with pytest.raises(CatalogUnavailable) as raised:
            await catalog.prove_writable()
        assert "darkroom_" in str(raised.value)
        await asyncio.to_thread(server.start)
        await catalog.prove_writable()
        await catalog.write(partial(take_in, batch=[delivery(task_object())], rules=RULES))
        catalog.close()


async def test_a_server_that_says_nothing_any_more_is_unavailable_in_bounded_time_and_worked_with_again() -> None:
    with own_server() as server:
        catalog = Catalog(PostgresDatabases(server.url).new())
        catalog.open()
        await catalog.prove_writable()
        with server.frozen():
            async with asyncio.timeout(15):
                outcomes = await asyncio.gather(*(catalog.prove_writable() for _ in range(3)), return_exceptions=True)
        assert {type(one) for one in outcomes} == {CatalogUnavailable}
        await catalog.prove_writable()
        catalog.close()


async def test_what_is_told_holds_no_password() -> None:
    engine = PostgresEngine("postgresql://somebody:s3cret-word@127.0.0.1:1/nothing")
    engine.open()
    with pytest.raises(CatalogUnavailable) as raised:
        await do(engine, "SELECT 1")
    told = f"{raised.value!r} {raised.value.__cause__!r} {engine.place} {engine.trouble} {engine._url!r}"
    assert "nothing at 127.0.0.1:1" in told
    assert "s3cret-word" not in told
    engine.close()
