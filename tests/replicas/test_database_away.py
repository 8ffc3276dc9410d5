"""A database that cannot be reached, in each way there is: callbacks are refused soon, and taken when it is back."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import httpx
import pytest

from tests.replicas.conftest import Build
from tests.replicas.house import ARCHIVER, RECEIVER, House
from tests.support.postgres import PostgresServer, run_sql
from tests.system.support.answers import whole
from tests.system.support.image_host import ImageHost
from tests.system.support.jobs import new_job
from tests.system.support.outage import Caller, caller, problems, ready
from tests.system.support.provider import call_back_until_taken
from tests.system.support.road import State
from tests.system.support.waiting import eventually

pytestmark = pytest.mark.long

SOON = 6.0
LASTS = 8.0
CALLERS = 4
READERS = 24
FULL = """
CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$
"""
Way = Callable[[House, PostgresServer], AbstractAsyncContextManager[None]]


def road(state: State) -> Way:
    @asynccontextmanager
    async def way(house: House, _server: PostgresServer) -> AsyncIterator[None]:
        await house.to_database.become(state)
        yield
        await house.to_database.become(State.OPEN)

    return way


@asynccontextmanager
async def forgotten(house: House, _server: PostgresServer) -> AsyncIterator[None]:
    """Nobody answers on the connections that there were, and there is no other; then there are others again."""
    await house.to_database.become(State.SILENT)
    yield
    house.to_database.reset()
    await house.to_database.become(State.OPEN)


@asynccontextmanager
async def hung(_house: House, server: PostgresServer) -> AsyncIterator[None]:
    """The server stops in the middle of what it does."""
    with server.frozen():
        yield


@asynccontextmanager
async def crashed(_house: House, server: PostgresServer) -> AsyncIterator[None]:
    await asyncio.to_thread(server.stop)
    yield
    await asyncio.to_thread(server.start)


@asynccontextmanager
async def read_only(house: House, server: PostgresServer) -> AsyncIterator[None]:
    """As after a switch to a replica."""
    change = f"ALTER DATABASE {house.database} SET default_transaction_read_only = "
    await asyncio.to_thread(run_sql, server.url, f"{change}on")
    house.to_database.reset()
    yield
    await asyncio.to_thread(run_sql, server.url, f"{change}off")
    house.to_database.reset()


@asynccontextmanager
async def full(house: House, _server: PostgresServer) -> AsyncIterator[None]:
    trigger = "CREATE TRIGGER full_disk BEFORE INSERT OR UPDATE ON callbacks EXECUTE FUNCTION full_disk()"
    await asyncio.to_thread(run_sql, house.direct, FULL, trigger)
    yield
    await asyncio.to_thread(run_sql, house.direct, "DROP TRIGGER full_disk ON callbacks")


WAYS: dict[str, Way] = {
    "refused": road(State.REFUSED),
    "reset": road(State.RESET),
    "black hole": road(State.SILENT),
    "black hole and forgotten": forgotten,
    "held back": road(State.HELD),
    "hung": hung,
    "crashed": crashed,
    "read-only": read_only,
    "full": full,
}


async def refusals(calling: Caller, until: float) -> list[tuple[httpx.Response, float]]:
    """What callbacks are answered, one after the other, and how long each answer took."""
    found = []
    while time.monotonic() < until:
        began = time.monotonic()
        answer = await calling.call()
        found.append((answer, time.monotonic() - began))
        await asyncio.sleep(0.05)
    return found


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
async def test_callbacks_are_refused_within_seconds_and_taken_again_when_it_is_back(
    build: Build, server: PostgresServer, way: Way
) -> None:
    house = await build({"receiver": RECEIVER})
    service = house["receiver"]
    calling = await caller(service)
    await calling.until_taken()
    async with way(house, server):
        until = time.monotonic() + LASTS
        answers = await asyncio.gather(*(refusals(calling, until) for _ in range(CALLERS)))
    for answer, seconds in (one for of_one in answers for one in of_one):
        assert (answer.status_code, int(answer.headers["Retry-After"]) >= 1) == (503, True), answer.text
        assert seconds < SOON, answer.text
    await calling.until_taken()
    await ready(service)
    assert await problems(service) == {}
    await calling.assert_nothing_lost()


async def test_connections_that_a_proxy_has_forgotten_are_given_up_soon_by_all_who_use_them(
    build: Build, image_host: ImageHost
) -> None:
    """They take everything and answer nothing, while new ones work: no error tells, only silence."""
    house = await build({"receiver": RECEIVER, "archiver": ARCHIVER})
    calling = await caller(house["receiver"])
    await asyncio.gather(*(house.api.get("/v1/tasks") for _ in range(READERS)))  # so the pools are full
    house.to_database.forget()
    job = new_job(image_host, lambda picture: (whole(picture),))
    async with asyncio.timeout(10):
        await call_back_until_taken(house.api.client, calling.url, job.body, pauses=(0.5,))

    async def listed() -> bool | None:
        return (await house.api.client.get("/v1/tasks", timeout=60)).is_success or None

    async with asyncio.timeout(35):
        await eventually(listed, what="a list is given", within=60)
        await house.api.settled(job.task_id, within=60)
