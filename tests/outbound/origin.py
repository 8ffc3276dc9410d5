"""A host on loopback that speaks TLS, counts every connection that reaches its socket, and answers as a test says."""

import asyncio
import functools
import ipaddress
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import pytest
import trustme

from service.domain.attempt import Failed
from service.outbound.address_policy import Address, AddressPolicy
from service.outbound.connector import Lookup
from service.outbound.guarded_client import GetError, GuardedClient, Timeouts
from tests.support.listening import stop_listening

PATIENT = Timeouts(connect=5, read=5)
LOOPBACK = ("127.0.0.0/8",)
NAMES = ("files.evolink.test", "media.evolink.test", "evil.test", "localhost", "127.0.0.1", "127.0.0.2", "::1")


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it arrived; header names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]


Handler = Callable[[Request, asyncio.StreamWriter], Awaitable[None]]


@dataclass(slots=True)
class Origin:
    """What a test sees of the host: its port, the connections that it accepted and the requests that it read."""

    port: int
    connections: int = 0
    requests: list[Request] = field(default_factory=list)

    def url(self, path: str = "/image.png", *, host: str = "127.0.0.1") -> str:
        return f"https://{host}:{self.port}{path}"


@functools.cache
def authority() -> trustme.CA:
    """The throwaway authority of one test run."""
    return trustme.CA()


def trusting_tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority().configure_trust(context)
    return context


@functools.cache
def server_tls(*names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority().issue_cert(*names).configure_cert(context)
    return context


def reply(
    body: bytes = b"", *, status: str = "200 OK", length: int | None = None, headers: Sequence[str] = ()
) -> bytes:
    """A whole answer; `length` is what Content-Length claims."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def always(answer: bytes) -> Handler:
    """Answers everything alike and keeps the connection."""

    async def handler(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()

    return handler


def then_cut(answer: bytes) -> Handler:
    """Answers and ends the connection."""

    async def handler(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()
        writer.close()

    return handler


def redirects(to: Mapping[str, str], answer: bytes) -> Handler:
    """Sends each path in `to` elsewhere and answers the others."""

    async def handler(request: Request, writer: asyncio.StreamWriter) -> None:
        location = to.get(request.path)
        writer.write(answer if location is None else reply(status="302 Found", headers=[f"Location: {location}"]))
        await writer.drain()

    return handler


async def _abort(writer: asyncio.StreamWriter) -> None:
    """End a connection at once and see it gone."""
    writer.transport.abort()
    with suppress(OSError):
        await writer.wait_closed()


@asynccontextmanager
async def origin(
    handler: Handler, *, address: str = "127.0.0.1", port: int = 0, names: Sequence[str] = NAMES, mute: bool = False
) -> AsyncIterator[Origin]:
    """Run a host until the block ends; a mute one takes connections and does not even shake hands."""
    seen = Origin(port=port)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if mute:
                await asyncio.Event().wait()
            while not writer.is_closing():
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                first, *lines = head.strip().split("\r\n")
                pairs = (line.split(": ", 1) for line in lines)
                method, path, _ = first.split(" ")
                request = Request(method, path, {name.lower(): value for name, value in pairs})
                seen.requests.append(request)
                await handler(request, writer)
            await writer.wait_closed()
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client went away
        finally:
            await _abort(writer)

    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    def protocol() -> asyncio.StreamReaderProtocol:
        seen.connections += 1  # before the handshake: a refused link must not get even this far
        return asyncio.StreamReaderProtocol(asyncio.StreamReader(), accept)

    tls = None if mute else server_tls(*names)
    server = await asyncio.get_running_loop().create_server(protocol, address, port, ssl=tls)
    seen.port = server.sockets[0].getsockname()[1]
    try:
        yield seen
    finally:
        await stop_listening(server)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def names_at(**addresses: Sequence[str]) -> Lookup:
    """A name service that knows `files`, `media` and so on; dots are written as two underscores."""
    known = {name.replace("__", "."): [ipaddress.ip_address(one) for one in found] for name, found in addresses.items()}

    async def lookup(name: str, port: int) -> Sequence[Address]:
        if name not in known:
            raise OSError("no such name")
        return known[name]

    return lookup


async def no_names(name: str, port: int) -> Sequence[Address]:
    raise AssertionError(f"looked up {name}")


def guarded_client(
    *,
    allowed_hosts: Sequence[str] = ("*",),
    trusted: Sequence[str] = LOOPBACK,
    lookup: Lookup = no_names,
    tls: ssl.SSLContext | None = None,
    timeouts: Timeouts = PATIENT,
    proxy: str | None = None,
) -> GuardedClient:
    return GuardedClient(
        allowed_hosts=allowed_hosts,
        policy=AddressPolicy(tuple(ipaddress.ip_network(network) for network in trusted)),
        tls=tls or trusting_tls(),
        timeouts=timeouts,
        user_agent="Darkroom/test (+image archiver)",
        max_connections=4,
        proxy=proxy,
        lookup=lookup,
    )


async def body(client: GuardedClient, link: str) -> tuple[int, bytes]:
    """Status and body of a GET."""
    async with client.get(link) as answer:
        return answer.status, b"".join([block async for block in answer.blocks()])


async def failure(client: GuardedClient, link: str) -> Failed:
    """How a GET failed; no detail may hold the link."""
    with pytest.raises(GetError) as caught:
        await body(client, link)
    failed = caught.value.failed
    assert "image.png" not in failed.detail
    assert str(caught.value) == failed.detail
    return failed
