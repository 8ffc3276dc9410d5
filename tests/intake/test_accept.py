"""Group commit: shared transactions, isolated poison, honest failure."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from service.background import Nudge
from service.catalog.catalog import Catalog
from service.errors import CatalogUnavailable
from service.intake.accept import LARGEST_QUEUE_BYTES, LONGEST_QUEUE, Intake
from service.intake.batch import Answer, Taken
from service.observability import Metrics
from tests.support.databases import Databases
from tests.support.deliveries import RULES, delivery, task_object
from tests.support.door import intake_of
from tests.support.ledger import Clock


@asynccontextmanager
async def running(
    catalog: Catalog, metrics: Metrics | None = None, *, sidecars: Nudge | None = None
) -> AsyncIterator[Intake]:
    intake = intake_of(catalog, metrics=metrics, sidecars=sidecars)
    loop = asyncio.create_task(intake.run())
    yield intake
    loop.cancel()
    await asyncio.wait([loop])


async def test_concurrent_callbacks_share_transactions_and_a_lone_one_does_not_wait(catalog: Catalog) -> None:
    metrics = Metrics()
    async with running(catalog, metrics) as intake:
        await intake.accept(delivery())
        many = [delivery(task_object(task_id=f"task-{n:04}")) for n in range(300)]
        taken = await asyncio.gather(*(intake.accept(one) for one in many))
    assert {one.answer for one in taken} == {Answer.ACCEPTED}
    figures = metrics.render()[0].decode()
    assert "darkroom_inbox_batch_size_sum 301.0" in figures
    assert re.search(r"darkroom_inbox_batch_size_count [2-9]\.0", figures)


@pytest.mark.parametrize(("status", "woken"), [("completed", False), ("failed", True)])
async def test_who_writes_sidecars_is_woken_unless_images_are_to_come(
    catalog: Catalog, status: str, woken: bool
) -> None:
    sidecars = Nudge()
    async with running(catalog, sidecars=sidecars) as intake:
        await intake.accept(delivery(task_object(status)))
    assert await sidecars.wait(0) is woken


async def test_the_databases_clock_counts_not_that_of_the_machine(databases: Databases) -> None:
    clock = Clock()
    catalog = Catalog(databases.new(), clock=clock)
    catalog.open()
    async with running(catalog) as intake:
        for task_id, hours in (("task-ahead", 30), ("task-behind", -30)):
            at = clock.now + timedelta(hours=hours)
            assert (await intake.accept(delivery(task_object(task_id=task_id), at=at))).wakes
            state = await catalog.read(lambda tx, task_id=task_id: tx.tasks.get(task_id))  # type: ignore[misc]
            assert state is not None
            assert (state.task.received_at, state.assets[0].next_attempt_at) == (clock.now, clock.now)
            assert state.assets[0].deadline == clock.now + RULES.link_lifetime
    await asyncio.to_thread(catalog.close)


async def test_a_poison_callback_stands_alone_is_kept_raw_and_the_rest_commit(catalog: Catalog) -> None:
    good = [delivery(task_object(task_id=f"task-{n:04}")) for n in range(9)]
    poison = delivery(task_object(task_id="task-poison"))
    assert poison.event is not None
    # a value that no database driver can bind, as if the reader had let it through
    poison = replace(poison, event=replace(poison.event, model="\ud800"))
    async with running(catalog) as intake:
        batch = [*good[:4], poison, *good[4:]]
        taken = await asyncio.gather(*(intake.accept(one) for one in batch))
    assert [one.answer for one in taken].count(Answer.ACCEPTED) == 9
    assert taken[4].answer is Answer.UNREADABLE
    rows = (await catalog.read(lambda tx: tx.query.callbacks(filters={}, after=None, limit=20))).items
    assert len(rows) == 10
    kept = [row for row in rows if row["verdict"] == "unreadable"]
    assert [(row["task_id"], row["body_sha256"]) for row in kept] == [("", poison.body_sha256)]


async def test_a_database_that_is_gone_is_unavailable_for_all(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "x.db")
    catalog.open()  # no tables
    async with running(catalog) as intake:
        with pytest.raises(CatalogUnavailable):
            await intake.accept(delivery())
    catalog.close()


async def test_a_caller_that_hangs_up_cancels_nothing(catalog: Catalog) -> None:
    async with running(catalog) as intake:
        caller = asyncio.create_task(intake.accept(delivery()))
        await asyncio.sleep(0)
        caller.cancel()
        second = await intake.accept(delivery())
    assert second.answer is Answer.DUPLICATE


async def test_a_full_queue_refuses_instead_of_growing(catalog: Catalog) -> None:
    intake = intake_of(catalog)
    waiting = [asyncio.create_task(intake.accept(delivery())) for _ in range(LONGEST_QUEUE)]
    await asyncio.sleep(0)
    with pytest.raises(CatalogUnavailable, match="too many"):
        await intake.accept(delivery())
    await given_up(waiting)


async def test_large_callbacks_leave_room_for_ordinary_ones(catalog: Catalog) -> None:
    """A text takes four bytes for each character where there is one that needs them, and that counts."""
    intake = intake_of(catalog)
    large = delivery(task_object(error={"message": "a" * 900_000 + "\U0001f41f"}))
    waiting = [asyncio.create_task(intake.accept(large)) for _ in range(LARGEST_QUEUE_BYTES // 2 // large.held)]
    await asyncio.sleep(0)
    with pytest.raises(CatalogUnavailable, match="too many"):
        await intake.accept(large)
    assert large.held > 4 * 900_000
    waiting.append(asyncio.create_task(intake.accept(delivery())))
    await asyncio.sleep(0)
    assert not waiting[-1].done()
    await given_up(waiting)


async def given_up(waiting: list[asyncio.Task[Taken]]) -> None:
    for one in waiting:
        one.cancel()
    await asyncio.wait(waiting)
