"""A database of the version before questions were asked: brought to this one, its open tasks are asked about."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

import service.catalog
from service.catalog.catalog import Catalog
from service.domain.task import Check, Rank, Task, TaskStatus
from service.intake.batch import take_in
from tests.support.deliveries import TASK, delivery
from tests.support.ledger import CONFIRMING

TOLD = datetime(2026, 4, 30, 9, tzinfo=UTC)
STATUSES = ("pending", "processing", "completed", "failed", "cancelled", "dead")
ENDED = STATUSES[2:]


def at_revision(path: Path, revision: str) -> sa.Engine:
    """A database as a version of that revision made it."""
    engine = sa.create_engine(f"sqlite:///{path}")
    config = Config()
    config.set_main_option("script_location", str(Path(service.catalog.__path__[0]) / "migrations"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    return engine


def insert(engine: sa.Engine, table: str, **values: Any) -> None:
    """A row with these values, and with something in every other column that must have it."""
    with engine.begin() as connection:
        columns: list[Mapping[str, Any]] = [*sa.inspect(connection).get_columns(table)]
        needed = {c["name"]: 0 for c in columns if not c["nullable"] and not c["primary_key"] and c["default"] is None}
        row = {**needed, **values}
        names = ", ".join(f'"{name}"' for name in row)
        slots = ", ".join(f":{name}" for name in row)
        connection.execute(sa.text(f"INSERT INTO {table} ({names}) VALUES ({slots})"), row)


def plain(at: datetime | None) -> str | None:
    return at.strftime("%Y-%m-%d %H:%M:%S.%f") if at else None


@pytest.fixture
def upgraded(tmp_path: Path) -> Iterator[Catalog]:
    """Holds a task of every status; one of the open ones has no deadline."""
    engine = at_revision(tmp_path / "old.db", "0001")
    for status in STATUSES:
        told = {"id": f"task-{status}", "status": status, "received_at": plain(TOLD), "tags": "{}", "source": "evolink"}
        reason = "no_links" if status == "dead" else None
        settled = plain(TOLD) if status in ENDED else None
        deadline = plain(TOLD + timedelta(hours=3)) if status != "processing" else None
        insert(engine, "tasks", **told, reason=reason, settled_at=settled, deadline=deadline)
    engine.dispose()
    catalog = Catalog(tmp_path / "old.db")
    catalog.open()
    assert catalog.missing_revision() == "0010"
    catalog.upgrade()
    yield catalog
    catalog.close()


async def task(catalog: Catalog, status: str) -> Task:
    state = await catalog.read(lambda tx: tx.tasks.get(f"task-{status}"))
    assert state is not None
    assert state.task.status is TaskStatus(status)
    return state.task


async def test_open_tasks_are_due_and_ended_ones_are_left_alone(upgraded: Catalog) -> None:
    assert upgraded.missing_revision() is None
    claimed = await upgraded.write(lambda tx: tx.checks.claim(99))
    assert [one.task_id for one in claimed] == ["task-pending", "task-processing"]  # as their links die
    for status in ENDED:
        ended = await task(upgraded, status)
        assert (ended.check, ended.settled_at) == (Check(), TOLD)


async def test_an_open_task_without_a_deadline_gets_a_day_and_another_keeps_its_own(upgraded: Catalog) -> None:
    assert (await task(upgraded, "processing")).deadline == TOLD + timedelta(days=1)
    assert (await task(upgraded, "pending")).deadline == TOLD + timedelta(hours=3)


async def test_nobody_of_that_time_was_a_stranger_or_had_called_back(upgraded: Catalog) -> None:
    for status in STATUSES:
        found = await task(upgraded, status)
        assert (found.stranger, found.callback_rank, found.expected_images) == (False, Rank.NOTHING, 0)


async def test_the_upgraded_database_takes_callbacks_and_marks(upgraded: Catalog) -> None:
    await upgraded.write(partial(take_in, batch=[delivery()], rules=CONFIRMING))
    await upgraded.write(lambda tx: tx.marks.set("swept", TOLD))
    assert await upgraded.read(lambda tx: tx.marks.get("swept")) == TOLD
    assert await upgraded.read(lambda tx: tx.tasks.get(TASK)) is not None


async def test_upgrading_again_changes_nothing(upgraded: Catalog) -> None:
    before = await task(upgraded, "pending")
    upgraded.upgrade()
    assert await task(upgraded, "pending") == before
