"""A host that sends much which is no body is hung up on; an honest one may send its body as it likes."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from service.domain.attempt import Failed, Failure
from tests.notify.receiver import receiving
from tests.outbound.origin import PATIENT, Request, body, failure, guarded_client, origin
from tests.outbound.test_guarded_post import guarded_post, send

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
FLOODS = {
    "interim answers": (b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 500),
    "chunks of one byte": (CHUNKED, b"1\r\na\r\n" * 4000),
    "what extends a chunk": (CHUNKED + b"5;", b"a" * 20_000),
    "what extends chunks": (CHUNKED, b"1;" + b"a" * 300 + b"\r\na\r\n"),
    "fields after the body": (CHUNKED + b"5\r\nhello\r\n0\r\n", b"X-A: b\r\n" * 2000),
    "a head": (OK, b"X-A: b\r\n" * 2000),
    "one field": (OK + b"X-A: ", b"a" * 20_000),
    "a reason": (b"HTTP/1.1 200 ", b"a" * 20_000),
}
MOST_SENT = 16 * 2**20
"""Bytes that buffers on the way may take up beside what is read."""

Answering = Callable[[object, asyncio.StreamWriter], Awaitable[None]]


def without_end(beginning: bytes, more: bytes, sent: list[int]) -> Answering:
    async def answer(_asked: object, writer: asyncio.StreamWriter) -> None:
        writer.write(beginning)
        while True:
            writer.write(more)
            sent.append(len(more))
            await writer.drain()
            await asyncio.sleep(0)  # asyncio may let who writes to nobody go on for ever

    return answer


@pytest.mark.parametrize("flood", FLOODS)
async def test_framing_without_end_is_not_read_for_long(flood: str) -> None:
    sent: list[int] = []
    async with origin(without_end(*FLOODS[flood], sent)) as host, guarded_client() as client, asyncio.timeout(30):
        failed = await failure(client, host.url())
        again = await failure(client, host.url())
    assert failed.failure is Failure.UNREACHABLE or failed.failure is Failure.TRUNCATED
    assert again == failed
    assert host.connections == 2
    assert sum(sent) < 2 * MOST_SENT


@pytest.mark.parametrize("flood", ["interim answers", "chunks of one byte"])
async def test_a_link_that_brings_nothing_but_framing_is_told_so(flood: str) -> None:
    async with origin(without_end(*FLOODS[flood], [])) as host, guarded_client() as client, asyncio.timeout(30):
        failed = await failure(client, host.url())
    assert failed == Failed(Failure.UNREACHABLE, "127.0.0.1: it sends far more framing than body")


async def test_who_takes_an_event_has_no_more_to_say_before_an_answer() -> None:
    sent: list[int] = []
    flood = without_end(*FLOODS["interim answers"], sent)
    async with receiving(flood) as host, guarded_post(total_timeout=60) as client, asyncio.timeout(30):
        told = await send(client, host.url())
    assert told == Failed(Failure.UNREACHABLE, "127.0.0.1: it sends far more framing than body")
    assert sum(sent) < MOST_SENT


def in_chunks(content: bytes, size: int) -> bytes:
    pieces = [content[start : start + size] for start in range(0, len(content), size)]
    return CHUNKED + b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


@pytest.mark.parametrize(("size", "each"), [(4 * 2**20, 4096), (2**20, 64), (10_000, 1)])
async def test_a_body_may_come_in_small_chunks(size: int, each: int) -> None:
    content = bytes(range(256)) * (size // 256)

    async def answer(_request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(in_chunks(content, each))
        await writer.drain()

    async with origin(answer) as host, guarded_client() as client:
        for _ in range(3):
            assert await body(client, host.url()) == (200, content)
        assert host.connections == 1


async def test_what_waits_to_be_read_is_not_taken_for_framing() -> None:
    content = bytes(range(256)) * 8192

    async def answer(_request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(in_chunks(content, 1024))
        await writer.drain()

    async with origin(answer) as host, guarded_client(timeouts=PATIENT) as client, client.get(host.url()) as answered:
        read = b""
        async for block in answered.blocks():
            await asyncio.sleep(0.005)  # so that buffers are full, and reading pauses
            read += block
    assert read == content


async def test_heads_count_for_one_answer_only() -> None:
    head = OK + b"Content-Length: 1\r\nX-A: " + b"a" * 7000 + b"\r\n\r\nb"

    async def answer(_request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 103 Early Hints\r\n\r\n" + head)
        await writer.drain()

    async with origin(answer) as host, guarded_client() as client:
        for _ in range(30):
            assert await body(client, host.url()) == (200, b"b")
        assert host.connections == 1
