"""The guarded client behind a proxy: what is still judged, and what the proxy is left to."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from service.domain.attempt import Failed, Failure
from tests.outbound.origin import always, body, failure, guarded_client, origin, reply


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


@pytest.fixture
async def proxy() -> AsyncIterator[tuple[str, list[str]]]:
    """A CONNECT proxy that leads everything to the loopback host of the same port; its URL and what it was asked."""
    asked: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        asked.append(head)
        inner_reader, inner = await asyncio.open_connection("127.0.0.1", through[0])
        writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
        await asyncio.gather(_pump(reader, inner), _pump(inner_reader, writer), return_exceptions=True)

    through: list[int] = []
    async with origin(always(reply(b"bytes"))) as host:
        through.append(host.port)
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            yield f"http://someone:secret@127.0.0.1:{server.sockets[0].getsockname()[1]}", asked


async def test_a_proxy_looks_names_up_and_is_itself_exempt(proxy: tuple[str, list[str]]) -> None:
    url, asked = proxy
    async with guarded_client(proxy=url, trusted=()) as client:
        assert await body(client, "https://files.evolink.test/a.png") == (200, b"bytes")
    assert asked[0].startswith("CONNECT files.evolink.test:443 HTTP/1.1\r\n")
    assert "Proxy-Authorization: Basic " in asked[0]


@pytest.mark.parametrize(
    "link",
    ["https://10.0.0.1/", "https://[::1]/", "https://files.evolink.test:22/", "https://0x7f.1/", "http://a.test/"],
)
async def test_a_link_is_judged_as_far_as_its_text_goes_before_a_proxy_hears_of_it(
    proxy: tuple[str, list[str]], link: str
) -> None:
    url, asked = proxy
    async with guarded_client(proxy=url, trusted=()) as client:
        assert (await failure(client, link)).failure is Failure.REFUSED_ADDRESS
    assert asked == []


async def test_a_public_literal_address_is_left_to_the_proxy(proxy: tuple[str, list[str]]) -> None:
    url, asked = proxy
    async with guarded_client(proxy=url, trusted=()) as client:
        failed = await failure(client, "https://1.1.1.1/a.png")
    assert "TLS failed: " in failed.detail, "the host behind it is another"
    assert asked[0].startswith("CONNECT 1.1.1.1:443 HTTP/1.1\r\n")


async def test_no_more_connections_are_opened_through_a_proxy_than_the_pool_holds(
    proxy: tuple[str, list[str]],
) -> None:
    url, asked = proxy
    async with guarded_client(proxy=url, trusted=()) as client:
        await asyncio.gather(*(body(client, "https://files.evolink.test/a.png") for _ in range(12)))
    assert len(asked) == 4


async def test_a_proxy_that_refuses_is_named_with_its_answer() -> None:
    async def refuses(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async with (
        await asyncio.start_server(refuses, "127.0.0.1", 0) as server,
        guarded_client(proxy=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}") as client,
    ):
        failed = await failure(client, "https://files.evolink.test/a.png")
    assert failed == Failed(Failure.UNREACHABLE, "files.evolink.test: the proxy answered 407")


async def test_a_proxy_that_cannot_be_reached_is_named() -> None:
    async with guarded_client(proxy="http://127.0.0.1:1") as client:
        failed = await failure(client, "https://files.evolink.test/a.png")
        assert failed == Failed(Failure.UNREACHABLE, "files.evolink.test: the proxy cannot be reached")
