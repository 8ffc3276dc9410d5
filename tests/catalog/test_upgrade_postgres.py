"""A PostgreSQL database of the first version: brought to this one, its open tasks are asked about."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

import service.catalog
from service.catalog.catalog import Catalog
from service.catalog.postgres import PostgresEngine
from service.domain.task import TaskStatus
from service.intake.batch import take_in
from tests.support.databases import Databases, on_postgres
from tests.support.deliveries import TASK, delivery
from tests.support.ledger import CONFIRMING

pytestmark = on_postgres

TOLD = datetime(2026, 4, 30, 9, tzinfo=UTC)
OLD_TASK = (
    "INSERT INTO tasks (id, status, received_at, deadline, tags, source, rank, confirmed, conflict, version, "
    "sidecar_version) VALUES ('task-{status}', '{status}', '2026-04-30 09:00+00', {deadline}, '{{}}', 'evolink', 0, "
    "false, false, 1, 0)"
)


def fill(connection: sa.Connection) -> None:
    """What a process of that version would have left."""
    config = Config()
    config.set_main_option("script_location", str(Path(service.catalog.__path__[0]) / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "0001")
    for status, deadline in (("pending", "'2026-04-30 12:00+00'"), ("processing", "NULL"), ("failed", "NULL")):
        connection.exec_driver_sql(OLD_TASK.format(status=status, deadline=deadline))


@pytest.fixture
def upgraded(databases: Databases) -> Iterator[Catalog]:
    url = str(databases.new(migrated=False))
    old = PostgresEngine(url)
    old.open()
    old.migrate_now(fill)
    old.close()
    catalog = Catalog(url)
    catalog.open()
    catalog.upgrade()
    yield catalog
    catalog.close()


async def test_open_tasks_are_due_as_their_links_die_and_ended_ones_are_left_alone(upgraded: Catalog) -> None:
    claimed = await upgraded.write(lambda tx: tx.checks.claim(99))
    assert [one.task_id for one in claimed] == ["task-pending", "task-processing"]
    states = await upgraded.read(lambda tx: tx.tasks.load([one.task_id for one in claimed]))
    assert [state.task.deadline for state in states.values()] == [TOLD + timedelta(hours=3), TOLD + timedelta(days=1)]
    ended = await upgraded.read(lambda tx: tx.tasks.get("task-failed"))
    assert ended is not None
    assert (ended.task.status, ended.task.check.at, ended.task.received_at) == (TaskStatus.FAILED, None, TOLD)


async def test_it_takes_callbacks_and_is_ready(upgraded: Catalog) -> None:
    await upgraded.write(partial(take_in, batch=[delivery()], rules=CONFIRMING))
    assert await upgraded.read(lambda tx: tx.tasks.get(TASK)) is not None
    await upgraded.prove_writable()
