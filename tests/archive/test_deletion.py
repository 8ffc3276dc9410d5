"""Tombstones: written once, final, and only for what there is."""

from functools import partial

import pytest

from service.archive.deletion import delete
from service.catalog.catalog import Catalog
from service.catalog.tasks import TaskState
from service.domain.asset import AssetStatus
from service.errors import NotFound
from service.intake.batch import take_in
from tests.support.deliveries import RULES, TASK, delivery, task_object

LINKS = [f"https://files.evolink.ai/a/{index}.png" for index in range(2)]


async def told(catalog: Catalog) -> None:
    await catalog.write(partial(take_in, batch=[delivery(task_object(results=LINKS))], rules=RULES))


async def remove(catalog: Catalog, index: int, task_id: str = TASK) -> TaskState:
    await catalog.write(partial(delete, task_id=task_id, index=index))
    state = await catalog.read(lambda tx: tx.tasks.get(task_id))
    assert state is not None
    return state


async def test_one_image_is_deleted_and_the_other_waits_on(catalog: Catalog) -> None:
    await told(catalog)
    state = await remove(catalog, 1)
    assert [asset.status for asset in state.assets] == [AssetStatus.PENDING, AssetStatus.DELETED]
    assert state.task.settled_at is None
    claimed = await catalog.write(lambda tx: tx.work.claim_assets(9))
    assert [one.index for one in claimed] == [0]


async def test_a_task_whose_last_image_is_deleted_is_settled(catalog: Catalog) -> None:
    await told(catalog)
    await remove(catalog, 0)
    state = await remove(catalog, 1)
    assert state.task.settled_at is not None


async def test_deleting_again_changes_nothing(catalog: Catalog) -> None:
    await told(catalog)
    assert await remove(catalog, 0) == await remove(catalog, 0)


async def test_who_is_fetching_it_loses_the_claim(catalog: Catalog) -> None:
    await told(catalog)
    claimed = await catalog.write(lambda tx: tx.work.claim_assets(9))
    await remove(catalog, 0)
    held = [await catalog.write(lambda tx, one=one: tx.work.holds_asset(one)) for one in claimed]  # type: ignore[misc]
    assert held == [False, True]


async def test_its_bytes_are_handed_to_the_purge_wherever_they_may_lie(catalog: Catalog) -> None:
    await told(catalog)
    state = await remove(catalog, 1)
    [one] = await catalog.read(lambda tx: tx.work.to_purge(9))
    assert (one.task_id, one.index) == (TASK, 1)
    assert state.task.archive_date is not None
    assert one.folder == f"evolink/{state.task.archive_date:%Y/%m/%d}/{TASK}"


@pytest.mark.parametrize(("task_id", "index"), [(TASK, 2), ("task-none", 0)])
async def test_what_is_not_there_cannot_be_deleted(catalog: Catalog, task_id: str, index: int) -> None:
    await told(catalog)
    with pytest.raises(NotFound):
        await remove(catalog, index, task_id)
