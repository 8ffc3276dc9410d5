"""How much there is, counted."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from service.archive.deletion import delete
from service.catalog.figures import Figures
from service.domain.asset import AssetStatus, Stored, archived
from service.domain.image import Image, ImageFormat
from service.domain.task import TaskStatus
from tests.support.databases import Databases
from tests.support.deliveries import LINK, RULES, TASK, task_object
from tests.support.ledger import CONFIRMING, MISSING, SILENT, Ledger, found, ledger_in

OTHER, EVIL = "https://files.evolink.ai/a/1.png", "https://evil.example/0.png"
NO_TASKS = {status.value: 0 for status in TaskStatus}
NO_ASSETS = {status.value: 0 for status in AssetStatus}


@pytest.fixture
def ledger(databases: Databases) -> Iterator[Ledger]:
    with ledger_in(databases, RULES) as opened:
        yield opened


async def figures(ledger: Ledger) -> Figures:
    return await ledger.catalog.read(lambda tx: tx.figures.count())


async def store_all(ledger: Ledger, size: int) -> None:
    state = await ledger.state()
    stored = Stored("key", "a" * 64, size, Image(ImageFormat.PNG, 1, 1))
    kept = tuple(
        archived(one, stored, now=ledger.clock.now) if one.status is AssetStatus.PENDING else one
        for one in state.assets
    )
    await ledger.save(state, replace(state, assets=kept))


async def test_of_nothing_there_is_nothing_of_every_kind(ledger: Ledger) -> None:
    assert await figures(ledger) == Figures(NO_TASKS, NO_ASSETS, {}, {}, 0, 0, 0)


async def test_everything_is_counted_once_by_status_and_what_is_dead_by_reason(ledger: Ledger) -> None:
    await ledger.tell("task-pending")
    await ledger.call_back(task_object("failed", "task-failed"))
    await ledger.call_back(task_object(task_id="task-bare", results=[]))
    await ledger.call_back(task_object(results=[LINK, OTHER, EVIL]))
    await store_all(ledger, 3_000_000_000)
    counted = await figures(ledger)
    assert counted.tasks == {**NO_TASKS, "pending": 1, "failed": 1, "dead": 1, "completed": 1}
    assert counted.assets == {**NO_ASSETS, "archived": 2, "dead": 1}
    assert (counted.dead_tasks, counted.dead_assets) == ({"no_links": 1}, {"refused_host": 1})
    assert counted.archived_bytes == 6_000_000_000


async def test_deleted_bytes_count_no_more(ledger: Ledger) -> None:
    await ledger.call_back(task_object(results=[LINK, OTHER]))
    await store_all(ledger, 10)
    await ledger.catalog.write(partial(delete, task_id=TASK, index=0))
    counted = await figures(ledger)
    assert (counted.archived_bytes, counted.assets["deleted"]) == (10, 1)


async def test_ends_that_the_provider_has_not_told_are_counted_until_it_does(ledger: Ledger) -> None:
    await ledger.call_back()
    assert (await figures(ledger)).unconfirmed == 1
    ledger.rules = CONFIRMING
    await ledger.tell("task-open")
    assert (await figures(ledger)).unconfirmed == 1


async def test_a_believed_end_is_unconfirmed_and_a_refuted_one_a_conflict(databases: Databases) -> None:
    with ledger_in(databases) as ledger:
        await ledger.prove_key()
        await ledger.call_back()
        await ledger.keep_answering(SILENT, until=CONFIRMING.patience + timedelta(minutes=1))
        believed = await figures(ledger)
        assert (believed.unconfirmed, believed.conflicts) == (1, 0)
        await ledger.answer(MISSING)
        await ledger.keep_answering(MISSING, until=2 * CONFIRMING.patience)
        refuted = await figures(ledger)
        assert (refuted.unconfirmed, refuted.conflicts, refuted.dead_tasks) == (0, 1, {"refuted": 1})
        assert refuted.dead_assets == {"refuted": 1}
        await ledger.call_back(task_object(results=[LINK], progress=1))
        await ledger.answer(found())
        assert (await figures(ledger)).conflicts == 0
