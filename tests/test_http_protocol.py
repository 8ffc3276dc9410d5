"""What comes before a body is bounded: against a real server on a real socket."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from service.http_protocol import LARGEST_HEAD, BoundedProtocol
from service.server import GentleServer, config_for


async def echo(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


class Impatient(BoundedProtocol):
    head_within = 0.2


@asynccontextmanager
async def served(protocol: type[BoundedProtocol] = BoundedProtocol) -> AsyncIterator[int]:
    app = Starlette(routes=[Route("/{rest:path}", echo, methods=["POST"])])
    listener = socket.create_server(("127.0.0.1", 0))
    config = config_for(app, drain_timeout=1, lifespan=False)
    config.http = protocol
    server = GentleServer(config)
    running = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        await running


async def send(port: int, *pieces: bytes) -> bytes:
    """Send pieces until the server has had enough; everything it answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
    except ConnectionError:
        pass
    try:
        async with asyncio.timeout(10):
            return await reader.read(200)
    except ConnectionError:
        return b"reset"
    finally:
        writer.close()


async def test_a_request_of_ordinary_size_is_served_with_a_body_in_the_same_packet() -> None:
    body = b"x" * 100_000
    async with served() as port:
        answer = await send(port, b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n" + body)
    assert answer.startswith(b"HTTP/1.1 200")


async def test_a_flood_of_headers_is_cut_off() -> None:
    flood = [b"POST /a HTTP/1.1\r\nHost: x\r\n", *(b"X-A: " + b"y" * 4000 + b"\r\n" for _ in range(2000))]
    async with served() as port:
        answer = await send(port, *flood)
    assert answer == b"reset" or b"431" in answer


async def test_one_endless_header_is_cut_off() -> None:
    async with served() as port:
        answer = await send(port, b"POST /a HTTP/1.1\r\nX-A: ", *(b"y" * LARGEST_HEAD for _ in range(100)))
    assert answer == b"reset" or b"431" in answer


async def test_an_endless_address_is_cut_off() -> None:
    async with served() as port:
        answer = await send(port, b"POST /", *(b"y" * LARGEST_HEAD for _ in range(100)))
    assert answer == b"reset" or b"431" in answer or b"400" in answer


async def test_requests_on_one_connection_do_not_add_up() -> None:
    request = b"POST /a HTTP/1.1\r\nHost: x\r\nX-A: " + b"y" * 30_000 + b"\r\nContent-Length: 0\r\n\r\n"
    async with served() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(5):
            writer.write(request)
            await writer.drain()
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
            await reader.readexactly(1)
        writer.close()


async def test_a_connection_that_never_gets_to_the_point_is_closed() -> None:
    async with served(Impatient) as port:
        for beginning in (b"", b"POST /a HTT", b"POST /a HTTP/1.1\r\nHost:"):
            assert await send(port, beginning) == b""
