"""Whoever floods an open port gets nothing but their own connections closed; honest callbacks are taken meanwhile.

No attacker here has a key, and only one has a callback URL.
"""

import asyncio
import time
from urllib.parse import urlsplit

import pytest

from tests.attacks.honest import withstood
from tests.system.conftest import Start

FOR = 2.0
"""Seconds that each attack lasts."""

AT_ONCE = 8
CHUNKED = b"POST %s HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
SOMEWHERE = b"/callbacks/evolink/nothing"


async def pump(port: int, beginning: bytes, more: bytes) -> int:
    """Begin, and send more of the same until the time is over, over new connections if need be; how many bytes."""
    sent, until = 0, time.monotonic() + FOR
    while time.monotonic() < until:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            continue
        try:
            async with asyncio.timeout(until - time.monotonic()):
                writer.write(beginning)
                while True:
                    writer.write(more)
                    await writer.drain()
                    await asyncio.sleep(0)  # asyncio may let who writes to nobody go on for ever
                    sent += len(more)
        except (OSError, TimeoutError):
            continue
        finally:
            writer.transport.abort()
            await asyncio.sleep(0.01)
    return sent


FLOODS: dict[str, tuple[bytes, bytes]] = {
    "trailers": (CHUNKED % SOMEWHERE + b"0\r\n", b"a: b\r\n" * 5000),
    "one endless trailer": (CHUNKED % SOMEWHERE + b"0\r\na: ", b"b" * 30_000),
    "chunk extensions": (CHUNKED % SOMEWHERE + b"1", b";a=b" * 5000),
    "headers": (b"", b"GET /livez HTTP/1.1\r\nHost: x\r\n" + b"a:\r\n" * 15_000 + b"\r\n"),
    "one endless header": (b"GET /livez HTTP/1.1\r\nHost: x\r\na: ", b"b" * 30_000),
    "an endless address": (b"GET /", b"b" * 30_000),
    "requests nobody waits for": (b"", b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n" * 1000),
    "posts nobody waits for": (
        b"",
        (b"POST /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 3000\r\n\r\n" + b"x" * 3000) * 20,
    ),
    "bodies nobody reads": (b"POST /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n", b"x" * 30_000),
    "what is no HTTP": (b"", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc" * 1000),
    "blank lines": (b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n", b"\r\n" * 5000),
}


SOON = ("trailers", "headers", "posts nobody waits for")
"""What `make test` has time for."""


@pytest.mark.parametrize(
    "flood", [name if name in SOON else pytest.param(name, marks=pytest.mark.long) for name in FLOODS]
)
async def test_a_flood_costs_no_honest_callback_and_no_memory(start: Start, flood: str) -> None:
    service = await start(tls=False)
    async with withstood(service):
        sent = await asyncio.gather(*(pump(service.port, *FLOODS[flood]) for _ in range(AT_ONCE)))
    assert sum(sent) > 0


async def test_single_bytes_from_somebody_with_a_callback_url_cost_no_honest_callback(start: Start) -> None:
    service = await start(tls=False)
    leaked = urlsplit(await service.api.mint()).path.encode()
    async with withstood(service):
        await asyncio.gather(*(pump(service.port, CHUNKED % leaked, b"1\r\n \r\n" * 5000) for _ in range(AT_ONCE)))
