"""Reading several tasks at once: used while it works, and never a reason to fail."""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from service.domain.task import EventStatus
from service.provider.client import ProviderClient
from service.provider.reading import Found, Missing, Reading, Throttled, Unreachable
from tests.provider.pretend import (
    IDS,
    MISSING,
    Clock,
    Provider,
    always,
    batch_of,
    client,
    found,
    problem,
    task,
    whole_batch,
)

TWO = IDS[:2]


async def read(provider: Provider, *task_ids: str) -> dict[str, Reading]:
    async with client(provider) as one:
        return await one.read(task_ids or TWO)


def all_found(readings: dict[str, Reading]) -> bool:
    return all(isinstance(one, Found) and one.event.task_id == task_id for task_id, one in readings.items())


async def test_several_tasks_take_one_request() -> None:
    provider = Provider(batch=whole_batch)
    readings = await read(provider, *IDS[:50])
    assert list(readings) == list(IDS[:50])
    assert all_found(readings)
    assert provider.asked == 1
    assert str(provider.requests[0].url) == "https://api.evolink.test/v1/tasks/batch"
    assert provider.requests[0].headers["Content-Type"] == "application/json"


async def test_more_than_fifty_are_split() -> None:
    provider = Provider(batch=whole_batch)
    assert all_found(await read(provider, *IDS[:101]))
    assert [len(json.loads(one.content)["task_ids"]) for one in provider.requests if one.content] == [50, 50]
    assert (provider.count("POST"), provider.count("GET")) == (2, 1)


async def test_an_id_that_is_given_twice_is_asked_for_once() -> None:
    provider = Provider(batch=whole_batch)
    assert list(await read(provider, *TWO, *TWO)) == list(TWO)
    assert json.loads(provider.requests[0].content) == {"task_ids": list(TWO)}


async def test_what_can_be_no_id_is_left_out_of_the_question() -> None:
    provider = Provider(batch=whole_batch)
    readings = await read(provider, "../x", *TWO, "x y")
    assert (readings["../x"], readings["x y"]) == (Missing(), Missing())
    assert json.loads(provider.requests[0].content) == {"task_ids": list(TWO)}


@pytest.mark.parametrize("shape", [lambda x: x, lambda x: {"tasks": x}, lambda x: {"items": x}, lambda x: {"data": x}])
async def test_the_list_is_found_under_any_of_its_names(shape: Callable[[Any], Any]) -> None:
    provider = Provider(batch=lambda ids: httpx.Response(200, json=shape([task(one) for one in ids])))
    assert all_found(await read(provider))
    assert provider.asked == 1


async def test_the_text_of_an_item_is_the_item() -> None:
    items = [task(TWO[0], prompt="Füchse \ud800\u0000", n=1.5), task(TWO[1])]
    body = json.dumps({"data": items}).encode()
    readings = await read(Provider(batch=lambda _: httpx.Response(200, content=body)))
    first = readings[TWO[0]]
    assert isinstance(first, Found)
    assert json.loads(first.text) == items[0]
    first.text.encode()


async def test_what_the_batch_leaves_out_is_read_alone() -> None:
    def answer(task_id: str) -> httpx.Response:
        return problem(*MISSING) if task_id == IDS[1] else found(task_id)

    provider = Provider(answer, batch=batch_of(task(IDS[0]), {"id": 7}, task(IDS[9])))
    readings = await read(provider, *IDS[:3])
    assert readings[IDS[1]] == Missing()
    assert all_found({one: readings[one] for one in (IDS[0], IDS[2])})
    assert IDS[9] not in readings
    assert (provider.count("POST"), provider.count("GET")) == (1, 2)


@pytest.mark.parametrize("less", [{"results": []}, {"results": None}, {"status": "exploded"}, {"status": None}])
async def test_an_item_that_tells_less_than_a_single_read_would_is_read_alone(less: dict[str, Any]) -> None:
    provider = Provider(batch=batch_of({**task(TWO[0]), **less}, task(TWO[1], "processing")))
    readings = await read(provider)
    first, second = readings[TWO[0]], readings[TWO[1]]
    assert isinstance(first, Found)
    assert first.event.links
    assert isinstance(second, Found)
    assert second.event.status is EventStatus.PROCESSING
    assert (provider.count("POST"), provider.count("GET")) == (1, 1)


NO_ROUTE: list[Callable[[], httpx.Response]] = [
    lambda: problem(404),
    lambda: problem(405),
    lambda: problem(400, "invalid_task_id"),
    lambda: problem(403),
    lambda: problem(501),
    lambda: problem(422),
    lambda: httpx.Response(302, headers={"Location": "https://elsewhere.test"}),
    lambda: httpx.Response(200, html="<html>"),
    lambda: httpx.Response(200, json={"data": {}}),
    lambda: httpx.Response(200, json={"data": [1, {"id": None}, "x"]}),
    lambda: httpx.Response(200, content=b"[" * 100_000),
]


@pytest.mark.parametrize("answer", NO_ROUTE)
async def test_a_provider_without_the_route_is_asked_one_by_one_for_a_day(answer: Callable[[], httpx.Response]) -> None:
    clock, provider = Clock(), Provider(batch=always(answer))
    async with client(provider, clock) as one:
        assert one.most_at_once == 50
        assert all_found(await one.read(IDS[:3]))
        assert one.most_at_once == 1
        assert all_found(await one.read(IDS[:3]))
        assert (provider.count("POST"), provider.count("GET")) == (1, 6)
        clock.now += 86400
        assert one.most_at_once == 50
        await one.read(TWO)
    assert provider.count("POST") == 2


def broken(_: object) -> httpx.Response:
    raise httpx.ReadTimeout("x")


@pytest.mark.parametrize(
    "batch",
    [broken, always(lambda: problem(500)), always(lambda: httpx.Response(200, json=[])), batch_of(task(IDS[99]))],
)
async def test_a_batch_that_fails_is_read_one_by_one_and_given_up_the_second_time(
    batch: Callable[[object], httpx.Response],
) -> None:
    provider = Provider(batch=batch)
    async with client(provider) as one:
        assert all_found(await one.read(TWO))
        assert one.most_at_once == 50
        assert all_found(await one.read(TWO))
        assert one.most_at_once == 1
    assert (provider.count("POST"), provider.count("GET")) == (2, 4)


async def test_a_batch_is_not_given_up_for_failing_now_and_then() -> None:
    provider = Provider()
    async with client(provider) as one:
        for _ in range(6):
            provider.batch = always(lambda: problem(502))
            await one.read(TWO)
            provider.batch = whole_batch
            await one.read(TWO)
        assert one.most_at_once == 50


async def test_a_batch_is_not_given_up_because_everything_is_down() -> None:
    clock, provider = Clock(), Provider()
    provider.broken()
    async with client(provider, clock) as one:
        for _ in range(10):
            readings = await one.read(TWO)
            assert all(isinstance(reading, Unreachable) for reading in readings.values())
            clock.now += 100
        assert one.most_at_once == 50


async def test_a_batch_of_unknown_tasks_says_nothing_against_the_route() -> None:
    provider = Provider(always(lambda: problem(*MISSING)), batch=batch_of())
    async with client(provider) as one:
        for _ in range(3):
            assert await one.read(TWO) == dict.fromkeys(TWO, Missing())
        assert one.most_at_once == 50


async def test_failing_batches_alone_never_stop_the_single_reads() -> None:
    clock, provider = Clock(), Provider(always(lambda: problem(*MISSING)), batch=always(lambda: problem(500)))
    async with client(provider, clock) as one:
        for _ in range(10):
            assert await one.read(TWO) == dict.fromkeys(TWO, Missing())


async def test_a_throttled_batch_throttles_all_and_nothing_else_leaves() -> None:
    provider = Provider(batch=always(lambda: problem(429, Retry_After="9")))
    assert await read(provider) == dict.fromkeys(TWO, Throttled(9.0))
    assert provider.asked == 1


async def test_a_batch_that_is_refused_is_refused_for_all_and_nothing_else_leaves() -> None:
    provider = Provider(batch=always(lambda: problem(401)))
    readings = await read(provider)
    assert all(isinstance(one, Unreachable) and one.refused for one in readings.values())
    assert provider.asked == 1


async def test_a_throttled_single_read_throttles_those_behind_it() -> None:
    provider = Provider(always(lambda: problem(429, Retry_After="9")))
    async with client(provider, requests_per_second=1) as one:
        readings = await one.read(IDS[:20])
    assert all(isinstance(reading, Throttled) for reading in readings.values())
    assert (provider.count("POST"), provider.count("GET")) == (1, 1)


async def whole_again(one: ProviderClient, provider: Provider, clock: Clock) -> dict[str, Reading]:
    """Read ten tasks when the breaker has just been opened and the provider is well again."""
    provider.broken()
    await one.read(IDS[:10])
    provider.answer, provider.batch = found, whole_batch
    clock.now += 1
    provider.requests.clear()
    return await one.read(IDS[:10])


async def test_through_an_open_breaker_a_neutral_question_goes_ahead_and_the_tasks_follow() -> None:
    clock, provider = Clock(), Provider()
    async with client(provider, clock) as one:
        assert all_found(await whole_again(one, provider, clock))
    assert (provider.count("POST"), provider.count("GET")) == (0, 1 + 10)


async def test_when_the_one_ahead_fails_nobody_follows() -> None:
    clock, provider = Clock(), Provider()
    async with client(provider, clock) as one:
        await whole_again(one, provider, clock)
        provider.broken()
        await one.read(IDS[:10])
        clock.now += 1
        provider.requests.clear()
        assert all(isinstance(reading, Unreachable) for reading in (await one.read(IDS[:10])).values())
    assert provider.asked == 1
