"""The account's list, which not every provider has."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from service.provider.reading import Found, HealthState, Listed, Listing, Throttled, Unreachable, Unsupported
from tests.provider.pretend import ID, IDS, Clock, Provider, always, client, problem, task


def answering(document: Any) -> Provider:
    return Provider(page=always(lambda: httpx.Response(200, json=document)))


async def list_page(provider: Provider, page: int = 1, size: int = 50) -> Listing:
    async with client(provider) as one:
        return await one.list_page(page, size=size)


async def test_a_page_is_asked_for_by_number_and_size() -> None:
    provider = answering([])
    await list_page(provider, 3, size=20)
    assert str(provider.requests[0].url) == "https://api.evolink.test/v1/tasks?type=image&page=3&page_size=20"


@pytest.mark.parametrize("shape", [lambda x: x, lambda x: {"tasks": x}, lambda x: {"items": x}, lambda x: {"data": x}])
async def test_tasks_are_listed_in_the_order_they_came_whatever_the_list_is_called(shape: Callable[[Any], Any]) -> None:
    listing = await list_page(answering(shape([task(IDS[1]), task(IDS[0], "processing")])))
    assert isinstance(listing, Listed)
    assert [event.task_id for event in listing.events] == [IDS[1], IDS[0]]


async def test_links_of_a_list_are_not_passed_on() -> None:
    listing = await list_page(answering([task()]))
    assert isinstance(listing, Listed)
    assert listing.events[0].links == ()


async def test_entries_that_are_no_image_tasks_are_left_out() -> None:
    entries = [task(IDS[0], type="video"), 7, None, {"id": "../x"}, {"id": IDS[1]}, task(IDS[2], type=3), task(IDS[3])]
    listing = await list_page(answering({"data": entries}))
    assert isinstance(listing, Listed)
    assert [event.task_id for event in listing.events] == [IDS[1], IDS[3]]


@pytest.mark.parametrize(
    ("document", "more"),
    [
        ({"data": [task()], "has_more": True}, True),
        ({"data": [task(), task()], "has_more": False}, False),
        ({"data": [task()]}, False),
        ({"data": [task(), 7]}, True),
        ({"data": [task()], "has_more": "yes"}, False),
        ([task(IDS[0]), task(IDS[1])], True),
        ([], False),
    ],
)
async def test_there_is_more_when_the_provider_says_so_or_else_after_a_full_page(document: Any, more: bool) -> None:
    listing = await list_page(answering(document), size=2)
    assert isinstance(listing, Listed)
    assert listing.more is more


@pytest.mark.parametrize("status", [400, 403, 404, 405, 501])
async def test_a_provider_without_the_route_is_not_asked_again_for_a_day(status: int) -> None:
    clock, provider = Clock(), Provider(page=always(lambda: problem(status)))
    async with client(provider, clock) as one:
        assert [await one.list_page(1) for _ in range(3)] == [Unsupported()] * 3
        assert provider.asked == 1
        clock.now += 86400
        await one.list_page(1)
    assert provider.asked == 2


@pytest.mark.parametrize(
    "answer",
    [
        lambda: problem(500),
        lambda: problem(401),
        lambda: httpx.Response(301, headers={"Location": "https://elsewhere.test"}),
        lambda: httpx.Response(200, html="<html>"),
        lambda: httpx.Response(200, json={"data": None}),
        lambda: httpx.Response(200, content=b" " * (8 * 1024 * 1024 + 1)),
    ],
)
async def test_a_list_that_cannot_be_had_now_is_asked_for_again(answer: Callable[[], httpx.Response]) -> None:
    clock, provider = Clock(), Provider(page=always(answer))
    async with client(provider, clock) as one:
        assert isinstance(await one.list_page(1), Unreachable)
        clock.now += 60
        assert isinstance(await one.list_page(1), Unreachable)
    assert provider.asked == 2


async def test_a_throttled_list_throttles_reads_too() -> None:
    provider = Provider(page=always(lambda: problem(429, Retry_After="5")))
    async with client(provider) as one:
        assert await one.list_page(1) == Throttled(5.0)
        assert await one.read([ID]) == {ID: Throttled(5.0)}
    assert provider.asked == 1


async def test_a_list_can_show_that_the_provider_answers_again() -> None:
    clock, provider = Clock(), answering([])
    async with client(provider, clock) as one:
        provider.page = always(lambda: problem(500))
        for _ in range(5):
            await one.list_page(1)
        assert one.health.state is HealthState.DOWN
        clock.now += 1
        provider.page = always(lambda: httpx.Response(200, json=[]))
        assert isinstance(await one.list_page(1), Listed)
        assert isinstance((await one.read([ID]))[ID], Found)
