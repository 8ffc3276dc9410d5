"""Indexes of a new version are built while the version before goes on writing, and none stays half built."""

import asyncio
from functools import partial
from pathlib import Path

import asyncpg  # type: ignore[import-untyped] # it ships no types
import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

import service.catalog
from service.catalog.catalog import Catalog
from service.catalog.postgres import PostgresEngine
from tests.support.databases import Databases, on_postgres
from tests.support.postgres import rows_of

pytestmark = on_postgres

BEFORE = "0004"
CALLBACK = (
    "INSERT INTO callbacks (source, origin, task_id, body_sha256, bytes, headers, tags, verdict, deliveries, "
    "received_at, last_received_at) VALUES ('evolink', 'callback', 'task-1', '{}', 2, '{{}}', '{{}}', 'accepted', 1, "
    "now(), now())"
)
HALF_BUILT = "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid"


def _to_revision(connection: sa.Connection, *, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(service.catalog.__path__[0]) / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


@pytest.fixture
def url(databases: Databases) -> str:
    """A database of the version before."""
    where = str(databases.new(migrated=False))
    engine = PostgresEngine(where)
    engine.open()
    engine.migrate_now(partial(_to_revision, revision=BEFORE))
    engine.close()
    return where


async def upgrade(url: str) -> str | None:
    """What is lacking afterwards."""
    catalog = Catalog(url)
    catalog.open()
    await asyncio.to_thread(catalog.upgrade)
    lacking = await asyncio.to_thread(catalog.missing_revision)
    await asyncio.to_thread(catalog.close)
    return lacking


async def test_callbacks_are_written_while_indexes_are_built(url: str) -> None:
    slow, quick = [await asyncpg.connect(url) for _ in range(2)]
    held = slow.transaction()
    await held.start()
    await slow.execute(CALLBACK.format("held"))  # the building waits for those that have begun
    upgrading = asyncio.create_task(upgrade(url))
    async with asyncio.timeout(20):
        while not await quick.fetchval("SELECT count(*) FROM pg_stat_progress_create_index"):
            await asyncio.sleep(0.02)
    await quick.execute("SET lock_timeout = '2s'")
    for number in range(5):
        await quick.execute(CALLBACK.format(number))
    assert not upgrading.done()
    await held.commit()
    assert await upgrading is None
    assert await quick.fetchval("SELECT count(*) FROM callbacks") == 6
    assert rows_of(url, HALF_BUILT) == []
    await slow.close()
    await quick.close()


async def test_an_index_that_was_left_half_built_is_built_anew(url: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute("CREATE INDEX ix_tasks_model ON tasks (model, seq)")
    await connection.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix_tasks_model'::regclass")
    assert rows_of(url, HALF_BUILT) == [("ix_tasks_model",)]
    await connection.close()
    assert await upgrade(url) is None
    assert rows_of(url, HALF_BUILT) == []


async def test_two_who_build_at_once_both_come_to_an_end(url: str) -> None:
    assert [*await asyncio.gather(upgrade(url), upgrade(url))] == [None, None]
    assert rows_of(url, HALF_BUILT) == []
