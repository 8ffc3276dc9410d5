"""The client against real sockets: time, length and trust. Everything is on loopback."""

import asyncio
import json
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from service.provider.client import ProviderClient
from service.provider.reading import Found, Listed, Missing, Reading, Unreachable
from tests.outbound.origin import always, origin, reply, then_cut, trusting_tls
from tests.provider.pretend import ID, IDS, KEY, task
from tests.simulator.stand_in import stand_in

BODY = json.dumps(task()).encode()
BRIEFLY = 0.3

Write = Callable[[asyncio.StreamWriter], Awaitable[None]]


def client(api_url: str, *, tls: ssl.SSLContext | None = None, timeout: float = 10) -> ProviderClient:
    return ProviderClient(
        api_url=api_url,
        api_key=KEY,
        tls=tls or trusting_tls(),
        user_agent="Darkroom/test",
        requests_per_second=1000,
        timeout=timeout,
    )


async def read(one: ProviderClient) -> Reading:
    return (await one.read([ID]))[ID]


@asynccontextmanager
async def plain(write: Write) -> AsyncIterator[str]:
    """A host without TLS that reads a request and then writes what a test says, until the block ends."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await write(writer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client went away
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def never(_: asyncio.StreamWriter) -> None:
    await asyncio.sleep(2)  # longer than the client waits


async def dribble(writer: asyncio.StreamWriter) -> None:
    """A byte at a time, each soon enough, for much longer than the client waits."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(100):
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.02)


def endless(status: str) -> Write:
    async def write(writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 {status}\r\n\r\n".encode())
        while True:
            writer.write(b" " * 65536)
            await writer.drain()
            await asyncio.sleep(0)  # asyncio may let who writes to nobody go on for ever

    return write


async def gibberish(writer: asyncio.StreamWriter) -> None:
    writer.write(b"SSH-2.0-OpenSSH_9.6\r\n")
    await writer.drain()


@pytest.mark.parametrize("write", [never, dribble])
async def test_who_answers_too_late_does_not_answer(write: Write) -> None:
    async with plain(write) as url, client(url, timeout=BRIEFLY) as one:
        began = time.monotonic()
        assert await read(one) == Unreachable("no answer in time")
        assert time.monotonic() - began < 1.5


@pytest.mark.parametrize(
    ("write", "words"),
    [(endless("200 OK"), "longer than 1048576"), (endless("500 Oh"), "answered 500"), (gibberish, "not HTTP")],
)
async def test_who_answers_nonsense_does_not_answer(write: Write, words: str) -> None:
    async with plain(write) as url, client(url) as one:
        reading = await read(one)
    assert isinstance(reading, Unreachable)
    assert words in reading.detail


async def test_nobody_there_is_told() -> None:
    async with plain(never) as url:
        pass
    async with client(url) as one:
        assert await read(one) == Unreachable("the provider refuses connections")


async def test_one_connection_serves_many_requests() -> None:
    async with origin(always(reply(BODY))) as seen, client(seen.url("")) as one:
        for _ in range(5):
            assert isinstance(await read(one), Found)
    assert (seen.connections, len(seen.requests)) == (1, 5)


async def test_a_few_connections_serve_many_readers() -> None:
    async with origin(always(reply(BODY))) as seen, client(seen.url("")) as one:
        readings = await asyncio.gather(*(read(one) for _ in range(100)))
    assert all(isinstance(reading, Found) for reading in readings)
    assert 1 <= seen.connections <= 8


async def test_an_answer_that_breaks_off_is_none() -> None:
    async with origin(then_cut(reply(BODY, length=len(BODY) + 1))) as seen, client(seen.url("")) as one:
        assert isinstance(await read(one), Unreachable)


async def test_a_host_that_cannot_prove_its_name_is_not_told_the_key() -> None:
    async with origin(always(reply(BODY)), names=("evil.test",)) as seen, client(seen.url("")) as one:
        reading = await read(one)
    assert isinstance(reading, Unreachable)
    assert reading.detail.startswith("TLS failed: ")
    assert seen.requests == []


async def test_a_host_with_an_unknown_authority_is_not_told_the_key() -> None:
    strict = ssl.create_default_context()
    async with origin(always(reply(BODY))) as seen, client(seen.url(""), tls=strict) as one:
        assert isinstance(await read(one), Unreachable)
    assert seen.requests == []


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with origin(always(reply(BODY))) as seen, client(seen.url("")) as one:
        assert isinstance(await read(one), Found)


async def test_the_stand_in_for_the_provider_is_understood() -> None:
    async with stand_in() as provider:
        made = [(await provider.made())["id"] for _ in range(3)]
        tls = ssl.create_default_context(cafile=provider.simulator.ca_file)
        async with client(provider.simulator.base_url, tls=tls) as one:
            readings = await one.read([*made, IDS[0]])
            listing = await one.list_page(1, size=2)
            assert one.most_at_once == 50
    assert [isinstance(readings[task_id], Found) for task_id in made] == [True] * 3
    assert readings[IDS[0]] == Missing()
    assert isinstance(listing, Listed)
    assert (len(listing.events), listing.more) == (2, True)
