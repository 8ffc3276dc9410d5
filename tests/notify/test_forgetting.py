"""Events that reached everybody go after thirty days, without holding anybody up; dead ones stay."""

from datetime import timedelta

from service.domain.announcement import KEPT
from service.domain.telling import DeliveryStatus, Progress
from service.notify.forgetting import TOGETHER, Forgetting
from tests.notify.world import World, endpoint, image, task
from tests.support.deliveries import NOW


async def test_nothing_goes_before_its_time_and_all_of_it_then(world: World) -> None:
    await world.tell(task(), image(0))
    await world.pretend()
    forgetting = Forgetting(catalog=world.catalog)
    world.clock.now = NOW + KEPT
    assert await forgetting.forget() == 0
    world.clock.move(seconds=1)
    assert await forgetting.forget() == 2
    assert await world.deliveries() == []
    assert await forgetting.forget() == 0


async def test_what_is_pending_or_dead_stays(world: World) -> None:
    world.endpoints = (endpoint("shop"), endpoint("audit"))
    await world.tell(task(settled_at=None), image(0))
    await world.pretend(Progress(DeliveryStatus.DEAD, 10))
    await world.tell(task(task_id="task-other"))
    world.clock.now = NOW + 2 * KEPT
    assert await Forgetting(catalog=world.catalog).forget() == 0
    assert len(await world.deliveries()) == 4


async def test_many_go_in_portions(world: World) -> None:
    await world.tell_many(TOGETHER + 5)
    await world.pretend()
    world.clock.now = NOW + 2 * KEPT
    assert await Forgetting(catalog=world.catalog).forget() == TOGETHER + 5


async def test_a_clock_that_is_a_year_ahead_removes_a_day_more_with_each_pass_and_no_more(world: World) -> None:
    forgetting = Forgetting(catalog=world.catalog)
    assert await forgetting.forget() == 0
    await world.tell(task())
    await world.pretend()
    world.clock.move(days=365)
    assert [await forgetting.forget() for _ in range(29)] == [0] * 29
    world.clock.now = NOW + KEPT + timedelta(seconds=1)
    assert [await forgetting.forget() for _ in range(2)] == [0, 1]
