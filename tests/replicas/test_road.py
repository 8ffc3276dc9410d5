"""The road goes wrong as it says: a test that believed a road which is open would prove nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import httpx
import pytest

from tests.support.listening import stop_listening
from tests.system.support.ports import free_port
from tests.system.support.road import SHORT, Road, State

BEFORE_LONG = 0.5
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while block := await reader.read(1000):
            writer.write(block)
            await writer.drain()
    writer.close()


@pytest.fixture
async def road() -> AsyncIterator[Road]:
    """An open road to somebody who says everything again, past somebody who is not there."""
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    opened = Road(free_port(), server.sockets[0].getsockname()[1])
    await opened.open()
    yield opened
    await opened.close()
    await stop_listening(server)


async def travel(road: Road) -> Streams:
    async with asyncio.timeout(BEFORE_LONG):
        return await asyncio.open_connection("127.0.0.1", road.port)


async def told(streams: Streams, size: int = 4) -> int:
    """How many of so many bytes come back."""
    reader, writer = streams
    writer.write(bytes(size))
    async with asyncio.timeout(BEFORE_LONG):
        return len(await reader.readexactly(size))


async def test_an_open_road_passes_on_what_is_said_by_way_of_who_is_there(road: Road) -> None:
    for _ in range(2):
        streams = await travel(road)
        assert await told(streams) == 4
        streams[1].close()


@pytest.mark.parametrize(("state", "error"), [(State.REFUSED, ConnectionError), (State.SILENT, TimeoutError)])
async def test_a_road_that_is_closed_takes_nobody(road: Road, state: State, error: type[OSError]) -> None:
    await road.become(state)
    with pytest.raises(error):
        await travel(road)
    await road.open()
    streams = await travel(road)
    assert await told(streams) == 4
    streams[1].close()


@pytest.mark.parametrize("state", [State.SILENT, State.HELD])
async def test_what_was_held_back_arrives_afterwards(road: Road, state: State) -> None:
    streams = await travel(road)
    assert await told(streams) == 4
    await road.become(state)
    with pytest.raises(TimeoutError):
        await told(streams)
    await road.open()
    async with asyncio.timeout(10):
        assert len(await streams[0].readexactly(4)) == 4
    streams[1].close()


async def test_connections_that_are_forgotten_say_nothing_more_and_new_ones_do(road: Road) -> None:
    old = await travel(road)
    assert await told(old) == 4
    road.forget()
    new = await travel(road)
    assert await told(new) == 4
    with pytest.raises(TimeoutError):
        await told(old)
    for _, writer in (old, new):
        writer.close()


async def test_connections_are_reset_after_some_bytes_where_they_are_cut_short(road: Road) -> None:
    await road.become(State.SHORT)
    streams = await travel(road)
    assert await told(streams, 100) == 100
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await told(streams, SHORT)
    streams[1].close()


@pytest.mark.parametrize("state", [State.RESET, State.REFUSED, State.ERRORS])
async def test_open_connections_are_reset_where_no_more_are_served(road: Road, state: State) -> None:
    streams = await travel(road)
    assert await told(streams) == 4
    await road.become(state)
    with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
        await told(streams)
    streams[1].close()


async def test_requests_are_answered_503_where_there_are_errors(road: Road) -> None:
    await road.become(State.ERRORS)
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.put(f"http://127.0.0.1:{road.port}/key", content=bytes(200_000))
    assert answer.status_code == 503
