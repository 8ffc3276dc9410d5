"""Sends prepared requests over many connections from a process of its own, and says how each was answered and when.

It takes as little of a processor as Python allows, as what it measures shares the machine with it; it says how much.
It knows nothing of what it sends.
"""

import asyncio
import math
import multiprocessing
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import cast

import uvloop

END_OF_HEAD = b"\r\n\r\n"
LENGTH = b"content-length: "


@dataclass(frozen=True, slots=True)
class Load:
    """What is sent; `requests` are whole HTTP/1.1 requests. `pace`: so many a second, or as many as are answered."""

    port: int
    requests: Sequence[bytes]
    connections: int
    pace: float | None = None


@dataclass(frozen=True, slots=True)
class Sent:
    """How it went: when it began by `time.perf_counter`, which processes of a machine share, seconds in all, each
    request's seconds, statuses, and the sender's share of one processor."""

    began: float
    seconds: float
    latencies: tuple[float, ...]
    statuses: dict[int, int]
    busy: float

    @property
    def per_second(self) -> float:
        return len(self.latencies) / self.seconds

    def percentile(self, share: float) -> float:
        """Seconds that this share of the requests stayed below."""
        return percentile(self.latencies, share)


def percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]


class _Line(asyncio.Protocol):
    """One connection: a request, its answer, the next request. Answers must tell their length."""

    def __init__(self, given: Iterator[tuple[float, bytes]], began: float) -> None:
        self._given = given
        self._began = began
        self._buffer = b""
        self._at = 0.0
        self.latencies: list[float] = []
        self.statuses: Counter[int] = Counter()
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by its type
        self._next()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head = self._buffer.find(END_OF_HEAD)
        if head < 0:
            return
        found = self._buffer.lower().find(LENGTH, 0, head + 2)
        assert found >= 0, self._buffer[:head]
        length = int(self._buffer[found + len(LENGTH) : self._buffer.index(b"\r", found)])
        if len(self._buffer) < head + len(END_OF_HEAD) + length:
            return
        self.latencies.append(time.perf_counter() - self._at)
        self.statuses[int(self._buffer[9:12])] += 1
        self._buffer = b""
        self._next()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.ended.done():
            self.ended.set_exception(ConnectionError(f"the server closed the connection: {exc}"))

    def _next(self) -> None:
        due, request = next(self._given, (0.0, b""))
        if not request:
            self.ended.set_result(None)
            self._transport.close()
            return
        wait = self._began + due - time.perf_counter()
        if wait > 0:
            asyncio.get_running_loop().call_later(wait, self._send, request)
        else:
            self._send(request)

    def _send(self, request: bytes) -> None:
        self._at = time.perf_counter()
        self._transport.write(request)


async def _send_all(load: Load) -> Sent:
    loop = asyncio.get_running_loop()
    began, busy = time.perf_counter(), time.process_time()
    step = 1 / load.pace if load.pace else 0.0
    given = ((number * step, request) for number, request in enumerate(load.requests))
    lines = [
        (await loop.create_connection(lambda: _Line(given, began), "127.0.0.1", load.port))[1]
        for _ in range(load.connections)
    ]
    await asyncio.gather(*(line.ended for line in lines))
    seconds = time.perf_counter() - began
    statuses = sum((line.statuses for line in lines), Counter[int]())
    latencies = tuple(latency for line in lines for latency in line.latencies)
    return Sent(began, seconds, latencies, dict(statuses), (time.process_time() - busy) / seconds)


def _run(answer: Connection, load: Load) -> None:
    answer.send(uvloop.run(_send_all(load)))


def send(load: Load) -> Sent:
    """Send everything, in a process of its own; raises RuntimeError where that could not be done."""
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe(duplex=False)
    process = spawn.Process(target=_run, args=(theirs, load))
    process.start()
    theirs.close()
    try:
        sent: Sent = ours.recv()
    except EOFError:
        raise RuntimeError("the sender ended without a result; see above") from None
    finally:
        process.join()
    return sent
