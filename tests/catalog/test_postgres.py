"""PostgreSQL under trouble: what is lost is told, what can be tried again is, and nobody has to restart us."""

import asyncio
from collections.abc import Iterator
from functools import partial

import asyncpg  # type: ignore[import-untyped] # it ships no types
import pytest
import sqlalchemy as sa

from service.catalog.catalog import Catalog
from service.catalog.engine import Priority
from service.catalog.postgres import MIGRATIONS, PostgresEngine
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
    with pytest.raises(CatalogUnavailable, match=r"lacks revision 0010.*darkroom migrate"):
        await catalog.prove_writable()
    with pytest.raises(CatalogUnavailable, match="darkroom migrate"):
        await catalog.write(partial(take_in, batch=[delivery()], rules=RULES))
    assert not await asyncio.to_thread(catalog.has_stored)
    await asyncio.to_thread(catalog.upgrade)
    await catalog.prove_writable()
    catalog.close()


async def test_who_looks_on_while_a_copy_begins_stops_being_ready(databases: Databases) -> None:
    catalog = Catalog(databases.new())
    catalog.open()
    await catalog.prove_writable()
    await catalog.write(lambda tx: tx.marks.set("copying:/old/darkroom.db", tx.now))
    with pytest.raises(CatalogUnavailable, match=r"unfinished copy of /old/darkroom\.db: run the same"):
        await catalog.prove_writable()
    await catalog.write(lambda tx: tx.marks.remove("copying:/old/darkroom.db"))
    await catalog.prove_writable()
    await asyncio.to_thread(catalog.close)


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


@pytest.mark.long
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


@pytest.mark.long
async def test_closing_takes_seconds_whatever_the_server_does_and_tells_the_log_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with own_server() as server:
        idle, busy = (Catalog(PostgresDatabases(server.url).new()) for _ in range(2))
        for catalog in (idle, busy):
            catalog.open()
            await asyncio.gather(*(catalog.read(lambda tx: tx.now) for _ in range(3)))
            await catalog.prove_writable()
        with server.frozen():
            waiting = [asyncio.create_task(busy.write(lambda tx: tx.marks.get("any"))) for _ in range(4)]
            await asyncio.sleep(0)
            async with asyncio.timeout(8):
                await asyncio.gather(*(asyncio.to_thread(one.close) for one in (idle, busy)))
                outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert [one for one in outcomes if not isinstance(one, (CatalogUnavailable, asyncio.CancelledError))] == []
    assert [record.getMessage() for record in caplog.records] == []


async def test_closing_ends_a_statement_that_goes_on_and_on(engine: PostgresEngine) -> None:
    waiting = asyncio.create_task(do(engine, "SELECT pg_sleep(60)"))
    await do(engine, "SELECT 1")
    async with asyncio.timeout(8):
        await asyncio.to_thread(engine.close)
        with pytest.raises(CatalogUnavailable):
            await waiting


async def test_who_is_cut_off_between_its_proof_and_its_commit_keeps_nobody_waiting(databases: Databases) -> None:
    url = str(databases.new())
    stopped, other = Catalog(url), Catalog(url)
    for catalog in (stopped, other):
        catalog.open()
        await catalog.prove_writable()
    connection = await asyncpg.connect(url)
    async with connection.transaction():
        mine = await connection.fetch("SELECT name FROM marks WHERE starts_with(name, 'proof') ORDER BY at LIMIT 1")
        await connection.fetch("SELECT FROM marks WHERE name = $1 FOR UPDATE", mine[0]["name"])
        async with asyncio.timeout(3):
            await other.prove_writable()
    await connection.close()
    for catalog in (stopped, other):
        catalog.close()


async def test_proofs_of_the_dead_are_removed_unless_somebody_holds_them(databases: Databases) -> None:
    url = str(databases.new())
    databases.run("INSERT INTO marks SELECT 'proof:' || n, now() - interval '1 day' FROM generate_series(1, 3) n")
    databases.run("INSERT INTO marks VALUES ('proof', now() - interval '1 day'), ('proofread', '2026-05-01')")
    catalog = Catalog(url)
    catalog.open()
    connection = await asyncpg.connect(url)
    async with connection.transaction():
        await connection.fetch("SELECT FROM marks WHERE name = 'proof:2' FOR UPDATE")
        async with asyncio.timeout(3):
            await catalog.prove_writable()
    await connection.close()
    catalog.close()
    names = {name for name, _ in databases.dump()["marks"]}
    assert {"proof:2", "proofread"} < names
    assert len(names) == 3


@pytest.mark.long
async def test_who_proves_that_it_can_write_is_seen_to_serve(databases: Databases) -> None:
    catalog = Catalog(f"{databases.new()}?pooler=transaction")
    catalog.open()
    assert await asyncio.to_thread(catalog.servers) == 0
    await catalog.prove_writable()
    looking = asyncio.create_task(asyncio.to_thread(catalog.servers))
    while not looking.done():
        await catalog.prove_writable()
        await asyncio.sleep(0.2)
    assert await looking == 1
    catalog.close()


@pytest.mark.parametrize(("parameter", "told"), [("", True), ("?pooler=transaction", False)])
async def test_the_server_is_told_to_look_for_who_vanished_unless_it_is_behind_a_proxy(
    databases: Databases, parameter: str, told: bool
) -> None:
    engine = PostgresEngine(f"{databases.new()}{parameter}")
    engine.open()
    query = "SELECT array_agg(setting ORDER BY name) FROM pg_settings WHERE name ~ '^tcp_keepalives_(c|id|int)'"
    assert (await do(engine, query) == ["3", "30", "10"]) is told
    engine.close()


@pytest.mark.long
async def test_who_migrates_second_waits_for_as_long_as_the_first_needs(databases: Databases) -> None:
    url = str(databases.new(migrated=False))
    catalog = Catalog(url)
    catalog.open()
    connection = await asyncpg.connect(url)
    async with connection.transaction():
        await connection.execute(f"SELECT pg_advisory_xact_lock({MIGRATIONS})")
        second = asyncio.create_task(asyncio.to_thread(catalog.upgrade))
        done, _ = await asyncio.wait([second], timeout=11)  # locks of tables are waited for at most 10 s
        assert not done
    await second
    assert await asyncio.to_thread(catalog.missing_revision) is None
    await connection.close()
    catalog.close()


async def test_a_migration_itself_waits_for_no_table_for_long(engine: PostgresEngine) -> None:
    assert await asyncio.to_thread(engine.migrate_now, partial(run, sql="SHOW lock_timeout")) == "10s"


async def test_proofs_of_processes_are_neither_copied_nor_removed_by_a_copy(databases: Databases) -> None:
    catalog = Catalog(databases.new())
    catalog.open()
    await catalog.prove_writable()
    databases.run("INSERT INTO marks VALUES ('proof', now()), ('zone', now())")
    rows = await catalog.read(lambda tx: tx.transfer.rows("marks", None, "zzz"))
    assert [row.key for row in rows] == ["zone"]
    await catalog.write(lambda tx: tx.transfer.cut_off("marks", None))
    assert [name.partition(":")[0] for name, _ in databases.dump()["marks"]] == ["proof", "proof"]
    catalog.close()
