"""Callers of an export who take nothing, go away, or are too many: places are given back, and nothing looks whole."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from starlette.requests import Request
from starlette.types import Message

from service.domain.api_key import Scope
from service.domain.audit import Actor
from service.errors import Unavailable
from service.submission.price_list import load_prices
from service.web.export import ExportRoutes
from tests.support.app import PUBLIC_URL, House, serving

pytestmark = pytest.mark.asyncio(loop_scope="module")

READER = Actor("key-1", "reader", frozenset({Scope.READ}))
FORMS = ("ndjson", "csv", "zip")
Send = Callable[[Message], Awaitable[None]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with serving(tmp_path_factory.mktemp("house")) as opened:
        for number in range(3):
            await opened.complete(f"task-{number}")
        await opened.archive()
        yield opened


@pytest.fixture
def routes(house: House) -> ExportRoutes:
    """One at a time, and for callers who take a piece within a moment."""
    parts = house.parts
    return ExportRoutes(
        catalog=parts.catalog,
        store=parts.store,
        public_url=PUBLIC_URL,
        prices=load_prices(None),
        at_once=1,
        taken_within=0.05,
    )


def request(form: str) -> Request:
    scope: dict[str, Any] = {"type": "http", "method": "GET", "query_string": f"format={form}".encode(), "headers": []}
    return Request({**scope, "state": {"actor": READER}})


async def stays() -> Message:
    """What a caller says who has sent all there is, and listens."""
    await asyncio.Event().wait()
    raise AssertionError("unreachable")


async def answered(routes: ExportRoutes, form: str, send: Send, receive: Callable[[], Awaitable[Message]]) -> None:
    asked = request(form)
    response = await routes.export(asked)
    await response(asked.scope, receive, send)


async def whole(routes: ExportRoutes, form: str) -> list[Message]:
    told: list[Message] = []

    async def take(message: Message) -> None:
        told.append(message)

    await answered(routes, form, take, stays)
    return told


@pytest.mark.parametrize("form", FORMS)
async def test_who_takes_nothing_is_given_up(routes: ExportRoutes, form: str) -> None:
    told: list[Message] = []

    async def take_the_head(message: Message) -> None:
        told.append(message)
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()

    await answered(routes, form, take_the_head, stays)
    assert [message.get("more_body") for message in told] == [None, True]
    assert (await whole(routes, form))[-1]["more_body"] is False


@pytest.mark.parametrize("form", FORMS)
async def test_who_goes_away_gives_the_place_back(routes: ExportRoutes, form: str) -> None:
    gone, told = asyncio.Event(), list[Message]()

    async def go_away(message: Message) -> None:
        told.append(message)
        if message["type"] == "http.response.body":
            gone.set()
            await asyncio.Event().wait()

    async def say_so() -> Message:
        await gone.wait()
        return {"type": "http.disconnect"}

    await answered(routes, form, go_away, say_so)
    assert told[-1]["more_body"] is True
    assert (await whole(routes, form))[-1]["more_body"] is False


async def test_one_more_than_there_may_be_is_told_to_come_again(routes: ExportRoutes) -> None:
    first = await routes.export(request("zip"))
    with pytest.raises(Unavailable, match="too many exports") as refused:
        await routes.export(request("csv"))
    assert refused.value.retry_after > 1
    asked = request("csv")
    asked.scope["method"] = "HEAD"
    assert (await routes.export(asked)).status_code == 200  # takes no place

    async def take(_message: Message) -> None:
        pass

    await first(request("zip").scope, stays, take)
    assert (await whole(routes, "csv"))[-1]["more_body"] is False
