"""Leases: who may work on what, and whose outcome counts."""

from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import pytest

from service.archive.archiver import record
from service.archive.deletion import delete
from service.catalog.catalog import Catalog
from service.catalog.filters import AssetFilter, TaskFilter
from service.catalog.tasks import TaskState
from service.catalog.work import CHANGES_SOON, LATE_BYTES, ClaimedAsset, ToPurge
from service.domain.asset import AssetStatus, Stored
from service.domain.attempt import Failed, Failure
from service.domain.image import Image, ImageFormat
from service.domain.lease import LEASE
from service.intake.batch import take_in
from tests.support.databases import Databases
from tests.support.deliveries import NOW, RULES, TASK, delivery, task_object
from tests.support.ledger import Clock


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


STORED = Stored("evolink/2026/05/01/x/0-aaaaaaaaaaaa.png", "a" * 64, 10, Image(ImageFormat.PNG, 3, 2))
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
    assert await catalog.write(lambda tx: tx.work.holds_asset(old)) is False
    assert await catalog.write(lambda tx: tx.work.holds_asset(new)) is True


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


async def deleted(catalog: Catalog) -> ToPurge:
    """The first image of a task, deleted, as the purge sees it."""
    await catalog.write(partial(delete, task_id=TASK, index=0))
    return await to_purge(catalog)


async def to_purge(catalog: Catalog) -> ToPurge:
    [one] = await catalog.read(lambda tx: tx.work.to_purge(9))
    return one


async def test_the_purge_is_soon_done_with_what_nobody_was_at(catalog: Catalog) -> None:
    await completed(catalog, TASK)
    one = await deleted(catalog)
    assert not one.may_get_more
    await catalog.write(lambda tx: tx.work.mark_purged(one))
    assert await catalog.read(lambda tx: tx.work.to_purge(9)) == []


@pytest.mark.parametrize("lease", ["runs", "is over"])
async def test_what_somebody_was_at_when_it_was_deleted_may_get_bytes_until_none_can_come(
    databases: Databases, lease: str
) -> None:
    clock = Clock()
    catalog = Catalog(databases.new(), clock=clock)
    catalog.open()
    await completed(catalog, TASK)
    [held] = await claim(catalog)
    clock.move(seconds=LEASE.total_seconds() * 2 if lease == "is over" else 1)
    assert (await deleted(catalog)).may_get_more
    assert not await catalog.write(lambda tx: tx.work.holds_asset(held))
    await catalog.write(lambda tx: tx.work.release_asset(held))
    clock.move(seconds=LATE_BYTES.total_seconds() - 1)
    assert (await to_purge(catalog)).may_get_more
    clock.move(seconds=1)
    assert not (await to_purge(catalog)).may_get_more
    clock.move(days=-300)  # it was ahead by that much when the image was deleted
    assert not (await to_purge(catalog)).may_get_more
    catalog.close()


@pytest.mark.parametrize("marked_first", [False, True])
async def test_bytes_that_came_since_the_purge_looked_keep_the_image_to_be_purged(
    catalog: Catalog, marked_first: bool
) -> None:
    await completed(catalog, TASK)
    before = await deleted(catalog)
    if marked_first:
        await catalog.write(lambda tx: tx.work.mark_purged(before))
    await catalog.write(lambda tx: tx.work.bytes_came_late(TASK, 0))
    await catalog.write(lambda tx: tx.work.mark_purged(before))
    after = await to_purge(catalog)
    assert not after.may_get_more
    await catalog.write(lambda tx: tx.work.bytes_came_late(TASK, 0))
    await catalog.write(lambda tx: tx.work.mark_purged(after))
    assert (await to_purge(catalog)).open_until != after.open_until


async def test_late_bytes_do_not_shorten_the_wait_for_others(catalog: Catalog) -> None:
    await completed(catalog, TASK)
    await claim(catalog)
    one = await deleted(catalog)
    await catalog.write(lambda tx: tx.work.bytes_came_late(TASK, 0))
    assert await to_purge(catalog) == one


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


async def test_the_sidecar_of_a_task_that_has_just_become_known_waits_for_what_happens_to_it(
    databases: Databases,
) -> None:
    clock = Clock()
    with closing(Catalog(databases.new(), clock=clock)) as catalog:
        catalog.open()
        await completed(catalog, TASK)
        clock.move(seconds=CHANGES_SOON.total_seconds())
        assert await catalog.write(lambda tx: tx.work.claim_sidecars(5)) == []
        clock.move(seconds=0.001)
        [due] = await catalog.write(lambda tx: tx.work.claim_sidecars(5))
        assert due.task_id == TASK


@pytest.mark.parametrize(("outcome", "settles"), [(STORED, True), (Failed(Failure.UNREACHABLE, "no route"), False)])
async def test_the_sidecar_of_a_new_task_is_due_as_soon_as_something_has_happened_to_it(
    databases: Databases, outcome: Stored | Failed, settles: bool
) -> None:
    with closing(Catalog(databases.new(), clock=Clock())) as catalog:
        catalog.open()
        await completed(catalog, TASK)
        [claimed] = await claim(catalog)
        link = f"https://files.evolink.ai/{TASK}/0.png"
        recorded = await catalog.write(partial(record, claimed=claimed, link=link, outcome=outcome, jitter=0.5))
        assert (recorded.counted, recorded.settled is not None) == (True, settles)
        assert len(await catalog.write(lambda tx: tx.work.claim_sidecars(5))) == 1


async def test_a_task_that_a_clock_ahead_has_dated_does_not_wait(databases: Databases) -> None:
    clock = Clock()
    with closing(Catalog(databases.new(), clock=clock)) as catalog:
        catalog.open()
        await completed(catalog, TASK)
        clock.move(days=-1)
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


async def test_saving_writes_nothing_but_what_differs(catalog: Catalog) -> None:
    await completed(catalog, TASK)
    before = await catalog.read(lambda tx: tx.tasks.get(TASK))
    assert before is not None
    named = TaskState(replace(before.task, ref="renamed"), before.assets)
    tried = TaskState(replace(before.task, model="another"), (replace(before.assets[0], attempts=3),))
    for after in (named, tried, before):
        await catalog.write(partial(lambda tx, after: tx.tasks.save([(before, after)]), after=after))
    found = await catalog.read(lambda tx: tx.tasks.get(TASK))
    assert found == TaskState(replace(tried.task, ref="renamed"), tried.assets)


async def test_what_waits_is_counted_with_its_nearest_deadline(catalog: Catalog) -> None:
    nothing = await catalog.read(lambda tx: tx.work.waiting())
    assert (nothing.assets, nothing.next_expiry, nothing.oldest) == (0, None, None)
    await completed(catalog, TASK, links=2)
    waiting = await catalog.read(lambda tx: tx.work.waiting())
    assert waiting.assets == 2
    assert isinstance(waiting.next_expiry, datetime)
    assert waiting.oldest is not None
    assert waiting.next_expiry > waiting.oldest


async def test_the_longest_waiting_image_is_the_first_that_is_not_settled(catalog: Catalog) -> None:
    for task_id, at in (("task-first", NOW), ("task-second", NOW + timedelta(minutes=5))):
        arrived = delivery(task_object(task_id=task_id), at=at)
        await catalog.write(partial(take_in, batch=[arrived], rules=RULES))
    assert (await catalog.read(lambda tx: tx.work.waiting())).oldest == NOW
    first = await catalog.read(lambda tx: tx.tasks.get("task-first"))
    assert first is not None
    dead = replace(first.assets[0], status=AssetStatus.DEAD, next_attempt_at=None)
    await catalog.write(lambda tx: tx.tasks.save([(first, replace(first, assets=(dead,)))]))
    assert (await catalog.read(lambda tx: tx.work.waiting())).oldest == NOW + timedelta(minutes=5)


async def test_pages_follow_each_other_without_gap_or_repetition_while_rows_arrive(catalog: Catalog) -> None:
    await completed(catalog, *(f"task-{n:03}" for n in range(7)))
    first = await catalog.read(lambda tx: tx.query.tasks(after=None, limit=3))
    await completed(catalog, "task-new")
    second = await catalog.read(lambda tx: tx.query.tasks(after=first.next, limit=3))
    third = await catalog.read(lambda tx: tx.query.tasks(after=second.next, limit=3))
    seen = [task.id for page in (first, second, third) for task in page.items]
    assert seen == [f"task-{n:03}" for n in reversed(range(7))]
    assert third.next is None


async def test_filters_narrow_a_list(catalog: Catalog) -> None:
    await completed(catalog, "task-a")
    await catalog.write(partial(take_in, batch=[delivery(task_object("failed", "task-b"))], rules=RULES))
    found = await catalog.read(lambda tx: tx.query.tasks(TaskFilter(status="failed"), after=None, limit=9))
    assert [task.id for task in found.items] == ["task-b"]
    assets = await catalog.read(
        lambda tx: tx.query.assets(AssetFilter(status=AssetStatus.PENDING), after=None, limit=9)
    )
    assert [asset.task_id for asset in assets.items] == ["task-a"]
