"""Bounds on what a connection may cost after its first head, and on how many there are: on real sockets."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from service.connections import room, those_to_go
from service.http_protocol import LARGEST_HEAD, MOST_CHUNKS, MOST_FIELDS, MOST_WAITING, BoundedProtocol
from service.server import GentleServer, config_for

CHUNKED = b"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
LARGE = 32 * 2**20


class Impatient(BoundedProtocol):
    head_within = 0.2
    message_within = 0.2
    taken_within = 0.2


class Small(BoundedProtocol):
    most_connections = 4


@dataclass(slots=True)
class Served:
    """A server's port, and what its application saw."""

    port: int
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    goes_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def echo(self, request: Request) -> Response:
        try:
            self.bodies.append(await request.body())
        except ClientDisconnect:
            return PlainTextResponse("gone")
        self.headers.append(dict(request.headers))
        return PlainTextResponse(str(len(self.bodies[-1])))

    async def unread(self, request: Request) -> Response:
        return PlainTextResponse("unread")

    async def large(self, request: Request) -> Response:
        return Response(b"x" * LARGE)

    async def wait(self, request: Request) -> Response:
        await self.goes_on.wait()
        return PlainTextResponse("done")


@asynccontextmanager
async def served(protocol: type[BoundedProtocol] = BoundedProtocol) -> AsyncIterator[Served]:
    listener = socket.create_server(("127.0.0.1", 0))
    seen = Served(listener.getsockname()[1])
    routes = [Route(f"/{one.__name__}", one, methods=["GET", "POST"]) for one in (seen.echo, seen.unread, seen.large)]
    app = Starlette(routes=[*routes, Route("/wait", seen.wait)])
    config = config_for(app, drain_timeout=1, lifespan=False)
    config.http = protocol
    server = GentleServer(config)
    running = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield seen
    finally:
        seen.goes_on.set()
        server.should_exit = True
        await running


class Caller:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def say(self, *pieces: bytes) -> None:
        try:
            for piece in pieces:
                self._writer.write(piece)
                await self._writer.drain()
        except ConnectionError:
            pass

    async def status(self) -> int:
        """Of the next answer, whose body is left to be read."""
        async with asyncio.timeout(10):
            head = await self._reader.readuntil(b"\r\n\r\n")
        return int(head.split()[1])

    async def rest(self, within: float = 10.0) -> bytes:
        """What comes until the server closes the connection."""
        try:
            async with asyncio.timeout(within):
                return await self._reader.read()
        except ConnectionError:
            return b"reset"

    async def is_open(self) -> bool:
        try:
            await self.rest(within=0.3)
        except TimeoutError:
            return True
        return False


@asynccontextmanager
async def calling(port: int) -> AsyncIterator[Caller]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Caller(reader, writer)
    finally:
        writer.transport.abort()
        await asyncio.sleep(0)


async def test_trailers_are_not_among_the_headers() -> None:
    async with served() as seen, calling(seen.port) as caller:
        await caller.say(CHUNKED, b"1\r\nx\r\n0\r\nAuthorization: Bearer forged\r\nHost: evil.example\r\n\r\n")
        assert await caller.status() == 200
    assert seen.bodies == [b"x"]
    assert "authorization" not in seen.headers[0]
    assert seen.headers[0]["host"] == "x"


@pytest.mark.parametrize("more", [b"a: b\r\n", b"a: " + b"b" * 30_000], ids=["many", "one"])
async def test_endless_trailers_are_cut_off(more: bytes) -> None:
    async with served() as seen, calling(seen.port) as caller:
        await caller.say(CHUNKED, b"0\r\n", *(more for _ in range(MOST_FIELDS * 2)))
        assert b" 200 " not in await caller.rest()


async def test_an_endless_chunk_extension_is_cut_off() -> None:
    async with served() as seen, calling(seen.port) as caller:
        await caller.say(CHUNKED, b"1", *(b";a=b" * 4000 for _ in range(LARGEST_HEAD // 8000)))
        assert b" 200 " not in await caller.rest()


async def test_a_body_in_more_chunks_than_anybody_needs_is_cut_off() -> None:
    async with served() as seen, calling(seen.port) as caller:
        await caller.say(CHUNKED, b"40\r\n%s\r\n" % (b"x" * 64) * (MOST_CHUNKS + 1), b"0\r\n\r\n")
        assert b" 200 " not in await caller.rest()


async def test_a_megabyte_in_small_chunks_is_taken() -> None:
    async with served() as seen, calling(seen.port) as caller:
        await caller.say(CHUNKED, *(b"40\r\n%s\r\n" % (b"x" * 64) for _ in range(16_000)), b"0\r\n\r\n")
        assert await caller.status() == 200
    assert seen.bodies == [b"x" * 64 * 16_000]


async def test_more_headers_than_anybody_needs_are_431() -> None:
    async with served() as seen, calling(seen.port) as caller:
        await caller.say(b"GET /echo HTTP/1.1\r\nHost: x\r\n", b"a: b\r\n" * (MOST_FIELDS + 1), b"\r\n")
        assert await caller.status() == 431
    assert seen.bodies == []


async def test_a_body_that_nobody_reads_must_end_too() -> None:
    async with served(Impatient) as seen, calling(seen.port) as caller:
        await caller.say(b"POST /unread HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\nx")
        assert await caller.status() == 200
        await caller.say(b"x")
        assert await caller.rest(within=2) == b"unread"


async def test_blank_lines_do_not_keep_a_connection_for_ever() -> None:
    class Brief(BoundedProtocol):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            self.timeout_keep_alive = 1
            super().connection_made(transport)

    async with served(Brief) as seen, calling(seen.port) as caller:
        await caller.say(b"GET /unread HTTP/1.1\r\nHost: x\r\n\r\n")
        assert await caller.status() == 200
        await caller.say(b"\r\n")
        assert await caller.rest(within=3) == b"unread"


async def test_who_does_not_take_the_answer_is_cut_off() -> None:
    async with served(Impatient) as seen, calling(seen.port) as caller:
        await caller.say(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        await asyncio.sleep(1)  # nothing is read meanwhile
        assert len(await caller.rest()) < LARGE


async def test_who_takes_the_answer_gets_it_whole() -> None:
    async with served() as seen, calling(seen.port) as caller:
        await caller.say(b"GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert await caller.status() == 200
        assert len(await caller.rest()) == LARGE


async def test_requests_that_wait_for_each_other_are_answered_in_order_and_not_without_end() -> None:
    async with served() as seen:
        async with calling(seen.port) as caller:
            head = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"
            await caller.say(*(head % n + b"x" * n for n in range(9)))
            for _ in range(9):
                assert await caller.status() == 200
        assert [len(body) for body in seen.bodies] == list(range(9))
        async with calling(seen.port) as caller:
            waiting = b"GET /echo HTTP/1.1\r\nHost: x\r\n\r\n" * (MOST_WAITING + 1)
            await caller.say(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n" + waiting)
            assert not await caller.is_open()
    assert len(seen.bodies) == 9


async def test_a_wish_for_another_protocol_loses_no_body_and_no_next_request() -> None:
    wish = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n"
    async with served() as seen, calling(seen.port) as caller:
        head = b"POST /echo HTTP/1.1\r\nHost: x\r\n" + wish + b"Content-Length: 5\r\n\r\n"
        await caller.say(head, b"hel")
        await asyncio.sleep(0.05)
        await caller.say(b"lo", head + b"again")
        assert [await caller.status(), await caller.status()] == [200, 200]
    assert seen.bodies == [b"hello", b"again"]


TWO_READINGS = {
    "two framings": b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    "a list of lengths": b"Content-Length: 5, 5\r\n\r\nhello",
    "a signed length": b"Content-Length: +5\r\n\r\nhello",
    "a negative length": b"Content-Length: -5\r\n\r\nhello",
    "a length beyond numbers": b"Content-Length: 99999999999999999999999\r\n\r\nhello",
    "a space before the colon": b"Content-Length : 5\r\n\r\nhello",
    "a coding nobody knows": b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunks inside another coding": b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "a size that is none": b"Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
    "a size beyond numbers": b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffffffff\r\n\r\n",
    "a negative size": b"Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
    "a line feed alone": b"Transfer-Encoding: chunked\r\n\r\n1;a=b\nxx\r\n0\r\n\r\n",
    "a folded header": b"A: b\r\n Content-Length: 5\r\n\r\nhello",
    "a NUL": b"A: b\0c\r\n\r\n",
    "two hosts": b"host: y\r\nContent-Length: 5\r\n\r\nhello",
}


@pytest.mark.parametrize("shape", TWO_READINGS)
async def test_what_a_proxy_might_read_otherwise_is_refused_and_ends_the_connection(shape: str) -> None:
    hidden = b"GET /echo HTTP/1.1\r\nHost: x\r\n\r\n"
    async with served() as seen, calling(seen.port) as caller:
        await caller.say(b"POST /echo HTTP/1.1\r\nHost: x\r\n" + TWO_READINGS[shape] + hidden)
        answers = await caller.rest()
    assert answers.startswith(b"HTTP/1.1 400") or answers == b""
    assert answers.count(b"HTTP/1.1") <= 1
    assert seen.headers == []


@pytest.mark.parametrize(("version", "status"), [("1.1", 400), ("1.0", 200)])
async def test_a_request_names_its_host_where_its_version_knows_of_that(version: str, status: int) -> None:
    async with served() as seen, calling(seen.port) as caller:
        await caller.say(f"GET /echo HTTP/{version}\r\n\r\n".encode())
        assert await caller.status() == status
    assert len(seen.headers) == (status == 200)


@pytest.mark.parametrize("target", ["CONNECT x:443", "GET http://x", "GET x", "GET /\u00ff", "GET"])
async def test_a_target_that_is_no_path_is_400(target: str) -> None:
    async with served() as seen, calling(seen.port) as caller:
        await caller.say(target.encode("latin-1") + b" HTTP/1.1\r\nHost: x\r\n\r\n")
        assert await caller.status() == 400


async def test_where_there_are_too_many_the_one_that_waited_longest_goes() -> None:
    async with (
        served(Small) as seen,
        calling(seen.port) as first,
        calling(seen.port) as second,
        calling(seen.port),
        calling(seen.port),
    ):
        await second.say(b"GET /unread HTTP/1.1\r\nHost: x\r\n\r\n")
        assert await second.status() == 200
        async with calling(seen.port) as fifth:
            await fifth.say(b"GET /unread HTTP/1.1\r\nHost: x\r\n\r\n")
            assert await fifth.status() == 200
            assert not await first.is_open()
            assert await second.is_open()


async def test_where_all_are_at_work_who_comes_is_told_so_and_nobody_is_cut_off() -> None:
    async with (
        served(Small) as seen,
        calling(seen.port) as first,
        calling(seen.port) as second,
        calling(seen.port) as third,
        calling(seen.port) as fourth,
    ):
        at_work = (first, second, third, fourth)
        for one in at_work:
            await one.say(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
        await asyncio.sleep(0.1)
        async with calling(seen.port) as fifth:
            assert await fifth.status() == 503
        seen.goes_on.set()
        assert [await one.status() for one in at_work] == [200] * 4


@dataclass(frozen=True, slots=True)
class Known:
    since: float
    is_spare: bool


def test_only_those_go_with_which_nothing_is_lost() -> None:
    connections = [Known(float(n), is_spare=n % 2 == 0) for n in range(100)]
    assert [one.since for one in those_to_go(connections, 64)] == [0.0, 2.0, 4.0, 6.0]
    assert those_to_go([Known(0.0, is_spare=False)], 1) == []


def test_some_descriptors_are_left_for_everything_else() -> None:
    assert room(1) == 1
    assert room(10**9) < 10**9
