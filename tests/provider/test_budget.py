"""How fast we ask: a burst of a second's worth, then evenly, in the order of coming."""

import asyncio

import pytest

from service.provider.budget import Budget
from tests.provider.pretend import Clock


def budget(per_second: float, clock: Clock) -> Budget:
    return Budget(per_second, clock=clock, sleep=clock.sleep)


async def seconds_for(requests: int, budget: Budget, clock: Clock) -> float:
    began = clock.now
    for _ in range(requests):
        await budget.take()
    return clock.now - began


@pytest.mark.parametrize(
    ("per_second", "requests", "seconds"),
    [(5, 5, 0.0), (5, 6, 0.2), (5, 105, 20.0), (0.1, 1, 0.0), (0.1, 3, 20.0), (1.5, 1, 0.0), (1.5, 4, 2.5 / 1.5)],
)
async def test_a_burst_of_one_second_passes_and_the_rest_evenly(
    per_second: float, requests: int, seconds: float
) -> None:
    clock = Clock()
    assert await seconds_for(requests, budget(per_second, clock), clock) == pytest.approx(seconds)


async def test_rest_saves_up_no_more_than_one_second() -> None:
    clock = Clock()
    bucket = budget(5, clock)
    await seconds_for(5, bucket, clock)
    clock.now += 3600
    assert await seconds_for(10, bucket, clock) == pytest.approx(1.0)


async def test_who_came_first_is_served_first() -> None:
    clock = Clock()
    bucket = budget(1, clock)
    served: list[int] = []

    async def take(number: int) -> None:
        await bucket.take()
        served.append(number)

    await asyncio.gather(*(take(number) for number in range(10)))
    assert served == list(range(10))


async def test_a_cancelled_wait_costs_nothing_and_holds_nobody_up() -> None:
    clock = Clock()
    bucket = budget(1, clock)
    await bucket.take()
    waiting = [asyncio.create_task(bucket.take()) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    waiting[1].cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert [one.cancelled() for one in waiting] == [True, True, False]
    assert clock.now == pytest.approx(1001.0)


async def test_what_is_given_back_can_be_taken_at_once_and_once() -> None:
    clock = Clock()
    bucket = budget(5, clock)
    await seconds_for(5, bucket, clock)
    bucket.give_back()
    assert await seconds_for(1, bucket, clock) == 0
    assert await seconds_for(1, bucket, clock) == pytest.approx(0.2)


async def test_giving_back_saves_up_no_more_than_one_second() -> None:
    clock = Clock()
    bucket = budget(1, clock)
    bucket.give_back()
    assert await seconds_for(2, bucket, clock) == pytest.approx(1.0)
