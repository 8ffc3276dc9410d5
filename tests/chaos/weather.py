"""What happens to the service while tasks are under way: it is killed, its provider fails, its disk fills and empties.

Each goes on until it is cancelled, and leaves behind fair weather.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Coroutine
from typing import Any, TypeVar

import httpx

from tests.chaos.plan import OUTAGES, Plan
from tests.system.support.darkroom import Darkroom
from tests.system.support.small_disk import SmallDisk
from tests.system.support.stand_in import StandIn

T = TypeVar("T")

LOOK_EVERY = 0.1
ANSWER_WITHIN = 5.0
LIFE = (0.7, 2.0)
"""Seconds that a process lives after it first answers: the shortest and the longest."""

LONGEST_START = 60.0


async def kills(
    service: Darkroom,
    plan: Plan,
    seen: Counter[str],
    *,
    who: str = "",
    life: tuple[float, float] = LIFE,
) -> None:
    """Kill the service some time after it answers, now and then already while it starts; start it again.

    `who` it is, where there are several.
    """
    chance = plan.chance(f"kills {who}".strip())
    while True:
        if chance.random() < 0.8:
            await up(service, seen)
            await asyncio.sleep(chance.uniform(*life))
        else:
            await asyncio.sleep(chance.uniform(0.0, 2.0))
        await service.kill()
        seen["kills"] += 1
        service.spawn()


async def up(service: Darkroom, seen: Counter[str]) -> None:
    """Wait until the service answers; one that ends by itself, as on a full disk, is started again."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + LONGEST_START
    while not await _answers(service):
        assert loop.time() < deadline, f"the service did not answer:\n{service.log[-4000:]}"
        if not service.alive:
            seen["ended by itself"] += 1
            service.spawn()
        await asyncio.sleep(LOOK_EVERY)


async def _answers(service: Darkroom) -> bool:
    # a client that is cancelled while it greets a server that is not up yet leaves its connection open
    return await to_the_end(_alive(service))


async def _alive(service: Darkroom) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return (await service.api.client.get("/livez", timeout=ANSWER_WITHIN)).status_code == 200
    return False


async def to_the_end(work: Coroutine[Any, Any, T]) -> T:
    """Wait for it, and even when cancelled not leave it half done."""
    task = asyncio.create_task(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


async def outages(stand_in: StandIn, plan: Plan, seen: Counter[str]) -> None:
    """Have the provider's task API fail for some seconds, one way after the other."""
    chance = plan.chance("outages")
    try:
        while True:
            await asyncio.sleep(chance.uniform(3, 15))
            await stand_in.turn(chance.choice(OUTAGES))
            seen["API outages"] += 1
            await asyncio.sleep(chance.uniform(1, 8))
            await stand_in.turn("ok")
    finally:
        await stand_in.turn("ok")


async def floods(disk: SmallDisk | None, plan: Plan, seen: Counter[str]) -> None:
    """Fill the disk to the last byte, or nearly, for some seconds."""
    chance, full = plan.chance("floods"), False
    try:
        while disk is not None:
            await asyncio.sleep(chance.uniform(5, 20))
            full = True
            await asyncio.to_thread(disk.fill, leave=chance.choice((0, 0, 256 * 1024, 4 * 1024 * 1024)))
            seen["disk full"] += 1
            await asyncio.sleep(chance.uniform(1, 5))
            disk.empty()
            full = False
    finally:
        if disk is not None and full:
            disk.empty()
