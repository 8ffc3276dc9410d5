"""Telling again, in small transactions: what matched when it began, and nothing that came later."""

from service.catalog.delivery_filter import DeliveryFilter
from service.catalog.events import TOGETHER
from service.domain.telling import DeliveryStatus, Progress
from service.notify.replay import Replayed, replay
from tests.notify.world import World, endpoint, image, task
from tests.support.deliveries import TASK

DEAD = Progress(DeliveryStatus.DEAD, 10, detail="it did not want to")
EVERYTHING = DeliveryFilter()


async def statuses(world: World) -> list[str]:
    return [one.status.value for one in await world.deliveries()]


async def test_what_is_dead_is_made_again_and_a_dry_run_only_counts(world: World) -> None:
    await world.tell(task(), image(0))
    await world.pretend(DEAD)
    assert await replay(world.catalog, EVERYTHING, dry_run=True) == Replayed(2, 0, dry_run=True)
    assert await statuses(world) == ["dead", "dead"]
    assert await replay(world.catalog, EVERYTHING, dry_run=False) == Replayed(2, 2, dry_run=False)
    assert await statuses(world) == ["pending", "pending"]
    assert await replay(world.catalog, EVERYTHING, dry_run=False) == Replayed(0, 0, dry_run=False)


async def test_what_was_delivered_is_made_again_where_that_is_asked_for(world: World) -> None:
    await world.tell(task(), image(0))
    await world.pretend()
    assert (await replay(world.catalog, DeliveryFilter(task_id=TASK), dry_run=False)).matched == 0
    wanted = DeliveryFilter(status=DeliveryStatus.DELIVERED, task_id=TASK)
    assert (await replay(world.catalog, wanted, dry_run=False)).replayed == 2
    assert await statuses(world) == ["pending", "pending"]


async def test_what_waits_on_its_ladder_is_due_at_once_where_that_is_asked_for(world: World) -> None:
    await world.tell(task())
    [claimed] = await world.catalog.write(lambda tx: tx.events.claim(1, names=("shop",), held={}, hosts={}, most=1))
    await world.catalog.write(lambda tx: tx.events.release(claimed, after=3 * (tx.now - world.since)))
    await replay(world.catalog, DeliveryFilter(status=DeliveryStatus.PENDING), dry_run=False)
    assert (
        len(await world.catalog.write(lambda tx: tx.events.claim(1, names=("shop",), held={}, hosts={}, most=1))) == 1
    )


async def test_filters_narrow_it(world: World) -> None:
    world.endpoints = (endpoint("shop"), endpoint("audit"))
    await world.tell(task())
    await world.pretend(DEAD)
    assert await replay(world.catalog, DeliveryFilter(endpoint="audit"), dry_run=False) == Replayed(1, 1, False)
    pending = DeliveryFilter(status=DeliveryStatus.PENDING)
    assert [one.endpoint for one in await world.deliveries(pending)] == ["audit"]


async def test_many_are_made_again_portion_by_portion_and_each_is_told(world: World) -> None:
    await world.tell_many(TOGETHER + 5)
    await world.pretend(DEAD)
    told: list[None] = []
    done = await replay(world.catalog, EVERYTHING, dry_run=False, progress=lambda: told.append(None))
    assert done == Replayed(TOGETHER + 5, TOGETHER + 5, dry_run=False)
    assert len(told) == 2
