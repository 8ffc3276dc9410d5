"""Thousands who open connections and then say little or nothing: who says something is served all the same."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.attacks.honest import withstood
from tests.system.conftest import Start
from tests.system.support.darkroom import Darkroom

MANY = 3000
"""More than the service keeps at a time."""

FEW_FILES = 256
WITH_FEW_FILES = ("sh", "-c", f'ulimit -n {FEW_FILES}; exec "$@"', "sh")

SAY: dict[str, bytes] = {
    "nothing": b"",
    "half a request": b"GET /livez HT",
    "half of the headers": b"POST /callbacks/evolink/nothing HTTP/1.1\r\nHost: x\r\nX-A: " + b"y" * 1000,
    "one request": b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n",
    "half a body": b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    b"Content-Length: 1000\r\n\r\nkey=",
    "a body nobody reads": b"POST /callbacks/evolink/nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\nx",
}


class Crowd:
    """Connections that each say their word and then wait, whoever closes them."""

    def __init__(self, service: Darkroom) -> None:
        self._port = service.port
        self._opened: list[socket.socket] = []

    async def gather(self, number: int, word: bytes) -> None:
        loop = asyncio.get_running_loop()
        for count in range(number):
            one = socket.socket()
            one.setblocking(False)
            self._opened.append(one)
            try:
                await loop.sock_connect(one, ("127.0.0.1", self._port))
                await loop.sock_sendall(one, word)
            except OSError:
                continue
            if count % 50 == 0:
                await asyncio.sleep(0.01)

    async def say_more(self, word: bytes) -> None:
        for one in self._opened:
            try:
                await asyncio.get_running_loop().sock_sendall(one, word)
            except OSError:
                continue

    def go(self) -> None:
        for one in self._opened:
            one.close()


@asynccontextmanager
async def crowd_at(service: Darkroom) -> AsyncIterator[Crowd]:
    """A crowd that is gone afterwards, whatever happened."""
    crowd = Crowd(service)
    try:
        yield crowd
    finally:
        crowd.go()


SOON = ("nothing", "a body nobody reads")
"""What `make test` has time for."""


@pytest.mark.parametrize("word", [word if word in SOON else pytest.param(word, marks=pytest.mark.long) for word in SAY])
async def test_among_thousands_who_wait_a_callback_is_taken(start: Start, word: str) -> None:
    service = await start(tls=False)
    async with crowd_at(service) as crowd, withstood(service):
        await crowd.gather(MANY, SAY[word])
        await asyncio.sleep(1)
        crowd.go()


async def test_with_few_descriptors_a_crowd_does_not_take_them_all(start: Start) -> None:
    service = await start(tls=False, running=False)
    await service.start(prefix=WITH_FEW_FILES)
    async with crowd_at(service) as crowd, withstood(service):
        await crowd.gather(2 * FEW_FILES, b"")
        await asyncio.sleep(1)
        crowd.go()


@pytest.mark.long
@pytest.mark.parametrize("word", SAY)
async def test_who_trickles_is_closed_though_they_never_leave(start: Start, word: str) -> None:
    service = await start(tls=False)
    async with crowd_at(service) as crowd, withstood(service, free_within=80.0):
        await crowd.gather(300, SAY[word])
        for _ in range(30):
            await crowd.say_more(b"\r\n" if word in ("nothing", "one request") else b"x")
            await asyncio.sleep(1)


async def test_who_never_greets_is_closed_in_seconds(start: Start) -> None:
    service = await start()
    async with crowd_at(service) as crowd, withstood(service, free_within=20.0):
        await crowd.gather(500, b"\x16\x03\x01")
