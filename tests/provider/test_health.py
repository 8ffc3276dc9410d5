"""A provider that is down or refuses the key: asked sparingly, reported once."""

import asyncio
from collections.abc import Callable, Iterator, MutableMapping
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from service.provider.client import NO_TASK, ProviderClient
from service.provider.reading import Found, HealthState, ProviderHealth, Reading, Throttled, Unreachable
from tests.provider.pretend import ID, IDS, KEY, MISSING, NOW, Clock, Provider, always, client, found, problem

DOWN = always(lambda: problem(500))
REFUSED = always(lambda: problem(401, "invalid_api_key", f"The key {KEY} is not valid"))


@pytest.fixture
def lines() -> Iterator[list[MutableMapping[str, Any]]]:
    with capture_logs() as entries:
        yield entries


async def read(one: ProviderClient, task_id: str = ID) -> Reading:
    return (await one.read([task_id]))[task_id]


async def fail(one: ProviderClient, times: int = 5) -> None:
    """Ask about so many tasks, in vain."""
    for task_id in IDS[:times]:
        assert isinstance(await read(one, task_id), Unreachable)


@pytest.mark.parametrize(
    "answer",
    [
        DOWN,
        always(lambda: httpx.Response(302, headers={"Location": "https://elsewhere.test"})),
        always(lambda: httpx.Response(200, html="<html>")),
    ],
)
async def test_bad_answers_about_three_tasks_and_a_neutral_question_stop_the_asking(
    answer: Callable[[object], httpx.Response],
) -> None:
    provider = Provider(answer)
    async with client(provider) as one:
        await fail(one, 20)
        assert one.health.state is HealthState.DOWN
        assert one.pause == 0
    assert provider.asked == 3 + 1


@pytest.mark.parametrize("status", [403, 404, 500])
async def test_bad_answers_about_some_tasks_stop_nobody(status: int) -> None:
    """Whoever can name tasks could name such as these, one after the other."""
    provider = Provider(
        lambda task_id: problem(*MISSING) if task_id == NO_TASK else httpx.Response(status, html="<html>")
    )
    async with client(provider) as one:
        await fail(one, 20)
        assert one.health.state is HealthState.ANSWERING
        assert await one.reachable()
        provider.answer = found
        assert isinstance(await read(one, IDS[50]), Found)


async def test_no_answer_at_all_stops_the_asking_after_five() -> None:
    provider = Provider()
    provider.broken()
    async with client(provider) as one:
        await fail(one, 20)
        assert one.health.state is HealthState.DOWN
        assert not await one.reachable()
    assert provider.asked == 3 + 2  # what cannot be sent is no answer about a task


async def test_answers_about_tasks_are_no_failures() -> None:
    provider = Provider(always(lambda: problem(400, "invalid_request")))
    async with client(provider) as one:
        await fail(one, 20)
        provider.answer = always(lambda: problem(*MISSING))
        for _ in range(20):
            await read(one)
        assert one.health.state is HealthState.ANSWERING
    assert provider.asked == 40


async def test_exactly_one_request_tries_whether_it_is_over() -> None:
    clock, provider = Clock(), Provider(DOWN)
    async with client(provider, clock) as one:
        await fail(one)
        clock.now += 1
        provider.gate = asyncio.Event()
        reading = [asyncio.create_task(read(one, task_id)) for task_id in IDS[:20]]
        await asyncio.sleep(0.01)
        assert provider.asked == 4 + 1
        provider.answer = found
        provider.gate.set()
        readings = await asyncio.gather(*reading)
        assert [isinstance(one, Found) for one in readings] == [True, *[False] * 19]
        assert all(isinstance(one, Unreachable) for one in readings[1:])
        assert isinstance(await read(one), Found)


async def test_a_try_that_is_cancelled_makes_room_for_the_next() -> None:
    clock, provider = Clock(), Provider(DOWN)
    async with client(provider, clock) as one:
        await fail(one)
        clock.now += 1
        provider.gate = asyncio.Event()
        waiting = asyncio.create_task(read(one))
        await asyncio.sleep(0.01)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        provider.gate, provider.answer = None, found
        assert isinstance(await read(one), Found)


async def test_tries_become_rarer_while_they_fail() -> None:
    clock, provider = Clock(), Provider(DOWN)
    async with client(provider, clock) as one:
        for second in range(3600):
            await read(one, IDS[second % 100])
            clock.now += 1
    assert provider.asked == 4 + 6 + (3600 - 65) // 60  # three tasks and a probe; 1, 2, 4 … 32 s; then every minute


async def test_a_burst_of_questions_to_a_provider_that_is_down_costs_no_more_than_itself() -> None:
    provider = Provider(DOWN)
    async with client(provider, requests_per_second=1) as one:
        readings = await asyncio.gather(*(read(one, task_id) for task_id in IDS[:30]))
    assert all(isinstance(one, Unreachable) for one in readings)
    assert provider.asked <= 30 + 2


@pytest.mark.parametrize("status", [401, 402])
async def test_a_refused_key_stops_the_asking_at_once(status: int) -> None:
    clock, provider = Clock(), Provider(always(lambda: problem(status)))
    async with client(provider, clock) as one:
        readings = []
        for _ in range(59):
            readings.append(await read(one))
            clock.now += 1
        assert all(isinstance(reading, Unreachable) and reading.refused for reading in readings)
        assert one.health.state is HealthState.REFUSED
        assert provider.asked == 1
        clock.now += 1
        await read(one)
    assert provider.asked == 2


async def test_one_forbidden_task_does_not_stop_the_others() -> None:
    provider = Provider(always(lambda: problem(403, "permission_denied")))
    async with client(provider) as one:
        for _ in range(10):
            reading = await read(one)
            assert isinstance(reading, Unreachable)
            assert not reading.refused
        provider.answer = found
        assert isinstance(await read(one, IDS[1]), Found)


async def test_a_key_that_is_forbidden_a_neutral_question_too_is_refused() -> None:
    provider = Provider(always(lambda: problem(403, "permission_denied")))
    async with client(provider) as one:
        readings = [await read(one, task_id) for task_id in IDS[:5]]
        assert [isinstance(one, Unreachable) and one.refused for one in readings] == [False, False, False, True, True]
        assert one.health.state is HealthState.REFUSED
    assert provider.asked == 3 + 1


async def test_a_refused_key_is_reported_once_and_once_when_it_works_again(
    lines: list[MutableMapping[str, Any]],
) -> None:
    clock, provider = Clock(), Provider(REFUSED)
    heard: list[ProviderHealth] = []
    async with client(provider, clock, on_health=heard.append) as one:
        assert one.health == ProviderHealth(HealthState.UNTRIED, None, None)
        for _ in range(50):
            await read(one)
            clock.now += 60
        provider.answer = found
        clock.now += 600
        await read(one)
        await read(one)
        assert one.health == ProviderHealth(HealthState.ANSWERING, NOW, None)
    assert [health.state for health in heard] == [HealthState.REFUSED, HealthState.ANSWERING]
    assert [(line["event"], line["log_level"]) for line in lines] == [
        ("provider_key_refused", "error"),
        ("provider_answers_again", "info"),
    ]


async def test_a_provider_that_is_down_is_reported_once(lines: list[MutableMapping[str, Any]]) -> None:
    clock, provider = Clock(), Provider()
    heard: list[ProviderHealth] = []
    async with client(provider, clock, on_health=heard.append) as one:
        await read(one)
        provider.answer = DOWN
        for second in range(100):
            await read(one, IDS[second])
            clock.now += 1
        provider.answer = found
        clock.now += 60
        await read(one)
    assert [line["event"] for line in lines] == ["provider_down", "provider_answers_again"]
    assert [health.state for health in heard] == [HealthState.ANSWERING, HealthState.DOWN, HealthState.ANSWERING]


async def test_throttling_is_heard_of_and_not_logged(lines: list[MutableMapping[str, Any]]) -> None:
    clock, provider = Clock(), Provider(always(lambda: problem(429)))
    heard: list[ProviderHealth] = []
    async with client(provider, clock, on_health=heard.append) as one:
        await read(one)
        provider.answer = found
        clock.now += 1
        await read(one)
    assert [health.state for health in heard] == [HealthState.THROTTLING, HealthState.ANSWERING]
    assert lines == []


async def test_a_good_answer_that_was_under_way_does_not_end_the_throttling() -> None:
    provider = Provider(lambda task_id: found(task_id) if task_id == IDS[1] else problem(429))
    async with client(provider) as one:
        throttled, good = await asyncio.gather(read(one, IDS[0]), read(one, IDS[1]))
        assert (throttled, isinstance(good, Found)) == (Throttled(1.0), True)
        assert one.health.state is HealthState.THROTTLING


async def test_a_429_while_it_is_down_changes_nothing_but_the_time_of_the_next_try() -> None:
    clock, provider = Clock(), Provider(DOWN)
    async with client(provider, clock) as one:
        await fail(one)
        clock.now += 1
        provider.answer = always(lambda: problem(429, Retry_After="30"))
        await read(one)
        assert (one.health.state, one.pause) == (HealthState.DOWN, 30.0)
        clock.now += 30
        provider.answer = found
        assert isinstance(await read(one), Found)


async def test_neither_logs_nor_health_hold_the_key(lines: list[MutableMapping[str, Any]]) -> None:
    heard: list[ProviderHealth] = []
    async with client(Provider(REFUSED), on_health=heard.append) as one:
        await read(one)
        assert "is not valid" in (one.health.detail or "")
    assert KEY not in repr((lines, heard))
