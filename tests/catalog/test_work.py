"""Leases: who may work on what, and whose outcome counts."""

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from service.catalog.catalog import Catalog
from service.catalog.tasks import TaskState
from service.catalog.work import ClaimedAsset
from service.domain.asset import AssetStatus
from service.intake.batch import take_in
from tests.support.databases import Databases
from tests.support.deliveries import RULES, TASK, delivery, task_object


async def completed(catalog: Catalog, *task_ids: str, links: int = 1) -> None:
    deliveries = [
        delivery(
            task_object(task_id=task_id, results=[f"https://files.evolink.ai/{task_id}/{n}.png" for n in range(links)])
        )
        for task_id in task_ids
    ]
    await catalog.write(partial(take_in, batch=deliveries, rules=RULES))


async def claim(catalog: Catalog, limit: int = 10) -> list[ClaimedAsset]:
    return await catalog.write(lambda tx: tx.work.claim_assets(limit))


LONG_AGO = "UPDATE assets SET claimed_until = '2020-01-01 00:00:00.000000'"


async def test_an_asset_is_claimed_once_however_many_ask(catalog: Catalog) -> None:
    await completed(catalog, "task-a", links=3)
    first, second = await claim(catalog, 2), await claim(catalog, 5)
    assert sorted(one.index for one in first + second) == [0, 1, 2]
    assert await claim(catalog) == []


async def test_the_nearest_deadline_comes_first(catalog: Catalog) -> None:
    late, soon = 1777636800, 1777633200
    for task_id, created in (("task-late", late), ("task-soon", soon)):
        await catalog.write(
            partial(take_in, batch=[delivery(task_object(task_id=task_id, created=created))], rules=RULES)
        )
    assert [one.task_id for one in await claim(catalog, 1)] == ["task-soon"]


async def test_a_lease_that_ran_out_can_be_claimed_again_and_the_old_claim_no_longer_counts(
    catalog: Catalog, databases: Databases
) -> None:
    await completed(catalog, TASK)
    [old] = await claim(catalog)
    databases.run(LONG_AGO)
    [new] = await claim(catalog)
    assert await catalog.read(lambda tx: tx.work.holds_asset(old)) is False
    assert await catalog.read(lambda tx: tx.work.holds_asset(new)) is True


async def test_a_renewed_lease_is_kept(catalog: Catalog, databases: Databases) -> None:
    await completed(catalog, TASK)
    [held] = await claim(catalog)
    databases.run(LONG_AGO)
    await catalog.write(lambda tx: tx.work.renew_assets([held]))
    assert await claim(catalog) == []


async def test_a_released_asset_is_free_at_once_or_after_a_while(catalog: Catalog) -> None:
    await completed(catalog, TASK)
    [held] = await claim(catalog)
    await catalog.write(lambda tx: tx.work.release_asset(held))
    [again] = await claim(catalog)
    await catalog.write(lambda tx: tx.work.release_asset(again, after=timedelta(hours=1)))
    assert await claim(catalog) == []


async def test_clearing_leases_frees_what_a_dead_server_held_without_counting_an_attempt(catalog: Catalog) -> None:
    await completed(catalog, TASK)
    await claim(catalog)
    await catalog.write(lambda tx: tx.work.clear_leases())
    assert len(await claim(catalog)) == 1
    state = await catalog.read(lambda tx: tx.tasks.get(TASK))
    assert state is not None
    assert state.assets[0].attempts == 0


async def test_a_sidecar_is_due_while_its_task_is_ahead(catalog: Catalog) -> None:
    await completed(catalog, TASK)
    [due] = await catalog.write(lambda tx: tx.work.claim_sidecars(5))
    assert await catalog.write(lambda tx: tx.work.claim_sidecars(5)) == []
    assert await catalog.write(lambda tx: tx.work.finish_sidecar(due, 1)) is True
    assert await catalog.write(lambda tx: tx.work.claim_sidecars(5)) == []


async def test_a_sidecar_written_under_a_lost_claim_is_written_again(catalog: Catalog) -> None:
    await completed(catalog, TASK)
    [lost] = await catalog.write(lambda tx: tx.work.claim_sidecars(5))
    await catalog.write(lambda tx: tx.work.clear_leases())
    [current] = await catalog.write(lambda tx: tx.work.claim_sidecars(5))
    assert await catalog.write(lambda tx: tx.work.finish_sidecar(current, 1)) is True
    assert await catalog.write(lambda tx: tx.work.finish_sidecar(lost, 1)) is False
    assert len(await catalog.write(lambda tx: tx.work.claim_sidecars(5))) == 1


async def test_saving_a_task_never_takes_back_what_its_sidecar_shows(catalog: Catalog) -> None:
    await completed(catalog, TASK)
    [due] = await catalog.write(lambda tx: tx.work.claim_sidecars(5))
    before = await catalog.read(lambda tx: tx.tasks.get(TASK))
    assert before is not None
    await catalog.write(lambda tx: tx.work.finish_sidecar(due, 1))
    changed = TaskState(replace(before.task, ref="renamed"), before.assets)
    await catalog.write(lambda tx: tx.tasks.save([(before, changed)]))
    after = await catalog.read(lambda tx: tx.tasks.get(TASK))
    assert after is not None
    assert (after.task.ref, after.task.sidecar_version) == ("renamed", 1)


async def test_what_waits_is_counted_with_its_nearest_deadline(catalog: Catalog) -> None:
    nothing = await catalog.read(lambda tx: tx.work.waiting())
    assert (nothing.assets, nothing.next_expiry) == (0, None)
    await completed(catalog, TASK, links=2)
    waiting = await catalog.read(lambda tx: tx.work.waiting())
    assert waiting.assets == 2
    assert isinstance(waiting.next_expiry, datetime)


async def test_pages_follow_each_other_without_gap_or_repetition_while_rows_arrive(catalog: Catalog) -> None:
    await completed(catalog, *(f"task-{n:03}" for n in range(7)))
    first = await catalog.read(lambda tx: tx.query.tasks(filters={}, after=None, limit=3))
    await completed(catalog, "task-new")
    second = await catalog.read(lambda tx: tx.query.tasks(filters={}, after=first.next, limit=3))
    third = await catalog.read(lambda tx: tx.query.tasks(filters={}, after=second.next, limit=3))
    seen = [task.id for page in (first, second, third) for task in page.items]
    assert seen == [f"task-{n:03}" for n in reversed(range(7))]
    assert third.next is None


async def test_filters_narrow_a_list(catalog: Catalog) -> None:
    await completed(catalog, "task-a")
    await catalog.write(partial(take_in, batch=[delivery(task_object("failed", "task-b"))], rules=RULES))
    found = await catalog.read(lambda tx: tx.query.tasks(filters={"status": "failed"}, after=None, limit=9))
    assert [task.id for task in found.items] == ["task-b"]
    assets = await catalog.read(
        lambda tx: tx.query.assets(filters={"status": AssetStatus.PENDING}, after=None, limit=9)
    )
    assert [asset.task_id for asset in assets.items] == ["task-a"]
