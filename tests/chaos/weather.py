"""What happens to the service while tasks are under way: it is killed, its provider fails, its disk fills and empties.

Each goes on until it is cancelled, and leaves behind fair weather.
"""

import asyncio
import contextlib
from collections import Counter

import httpx

from tests.chaos.plan import OUTAGES, Plan
from tests.system.support.darkroom import Darkroom
from tests.system.support.small_disk import SmallDisk
from tests.system.support.stand_in import StandIn

LOOK_EVERY = 0.1
LONGEST_START = 60.0


async def kills(service: Darkroom, plan: Plan, seen: Counter[str]) -> None:
    """Kill the service a second or two after it answers, now and then already while it starts; start it again."""
    chance = plan.chance("kills")
    while True:
        if chance.random() < 0.8:
            await up(service, seen)
            await asyncio.sleep(chance.uniform(0.7, 2.0))
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
    with contextlib.suppress(httpx.TransportError):
        return (await service.api.client.get("/livez")).status_code == 200
    return False


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
