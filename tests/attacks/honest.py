"""A caller who means it, all through an attack: posts callbacks, each over a connection of its own."""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import psutil

from tests.system.support.burden import process_id
from tests.system.support.connection import Answered, one_exchange, post
from tests.system.support.darkroom import Darkroom
from tests.system.support.provider import new_task_id, task_object
from tests.system.support.waiting import eventually

EVERY = 0.05
USUAL, SLOWEST = 0.5, 5.0
"""Seconds for half of the callbacks and for all; the provider waits for 10."""

GROWN_AT_MOST = 64 * 2**20
LEFT_OVER_AT_MOST = 8
"""Descriptors that the service may have opened for itself meanwhile."""


@dataclass(slots=True)
class Calls:
    """What became of the honest callbacks: seconds of those that were taken, and everything else."""

    seconds: list[float] = field(default_factory=list)
    lost: list[object] = field(default_factory=list)

    @property
    def slowest(self) -> float:
        return max(self.seconds)

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)


async def keep_calling(service: Darkroom, path: str, calls: Calls, over: asyncio.Event) -> None:
    while not over.is_set():
        began = time.monotonic()
        body = task_object(new_task_id(), status="processing")
        outcome = await one_exchange(service.port, service.tls, post(path, body, headers={"Connection": "close"}))
        if isinstance(outcome, Answered) and outcome.status == 202:
            calls.seconds.append(time.monotonic() - began)
        else:
            calls.lost.append(outcome)
        await asyncio.sleep(EVERY)


@asynccontextmanager
async def withstood(
    service: Darkroom, *, free_within: float = 30.0, grown_at_most: int = GROWN_AT_MOST
) -> AsyncIterator[Calls]:
    """What happens inside costs no honest call, no memory and no descriptor that stays, and not the log's worth."""
    path = urlsplit(await service.api.mint()).path
    process, calls, over = psutil.Process(process_id(service)), Calls(), asyncio.Event()
    honest = asyncio.create_task(keep_calling(service, path, calls, over))
    await asyncio.sleep(0.5)
    memory, files, logged = process.memory_info().rss, process.num_fds(), len(service.log)
    seen = [memory]
    watching = asyncio.create_task(watch(process, seen))
    try:
        yield calls
        await asyncio.sleep(0.5)
    finally:
        over.set()
        await honest
        watching.cancel()
    grown = max(seen) - memory
    assert service.alive
    assert calls.lost == []
    assert calls.slowest < SLOWEST, f"{calls.slowest:.2f} s"
    assert calls.median < USUAL, f"{calls.median:.2f} s"
    assert grown < grown_at_most, f"grew by {grown >> 20} MiB"
    log = service.log[logged:]
    assert "Traceback" not in log
    assert len(log) < 2000 * (len(calls.seconds) + 50), "the log grows with the attack"

    async def free() -> bool | None:
        return process.num_fds() <= files + LEFT_OVER_AT_MOST or None

    await eventually(free, what="connections are gone", within=free_within)


async def watch(process: psutil.Process, seen: list[int]) -> None:
    """Note the memory that it takes, again and again."""
    while True:
        seen.append(process.memory_info().rss)
        await asyncio.sleep(0.1)
