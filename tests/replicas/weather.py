"""What happens to the database and the bucket of a house while tasks are under way, and to its replicas."""

import asyncio
import random
import signal
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tests.chaos.weather import to_the_end
from tests.system.support.darkroom import Darkroom
from tests.system.support.road import Road, State

LEASE = 30.0
PAUSE = (2.0, 8.0)
LASTS = (0.3, 7.0)
"""Seconds from one trouble to the next, and of each: the shortest and the longest; those are shorter than a lease."""


class Blow(StrEnum):
    """What is over at once, as far as the road is concerned."""

    CRASH = "crash"
    CUT = "cut"


@dataclass(frozen=True, slots=True)
class Mortal:
    """A server that can be killed and started again, and keeps what it has confirmed."""

    kill: Callable[[], None]
    start: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Far:
    """Something that the replicas reach over a road, called `name`; `mortal` where it can die."""

    name: str
    road: Road
    states: Sequence[State]
    mortal: Mortal | None = None


async def troubles(far: Far, chance: random.Random, seen: Counter[str]) -> None:
    """One trouble after the other until cancelled; leaves fair weather behind."""
    kinds = (*far.states, Blow.CUT, *([Blow.CRASH] * 2 if far.mortal else ()))
    try:
        while True:
            await asyncio.sleep(chance.uniform(*PAUSE))
            kind, lasts, reset = chance.choice(kinds), chance.uniform(*LASTS), chance.random() < 0.5
            seen[f"{far.name}: {kind}"] += 1
            if isinstance(kind, State):
                await far.road.become(kind)
                await asyncio.sleep(lasts)
                if reset:  # otherwise what was held back arrives
                    far.road.reset()
                await far.road.become(State.OPEN)
            elif kind is Blow.CRASH and far.mortal:
                await to_the_end(_crash(far.mortal, lasts / 2))
            else:
                far.road.reset()
    finally:
        await far.road.become(State.OPEN)


async def freezes(replicas: Sequence[Darkroom], chance: random.Random, seen: Counter[str]) -> None:
    """Halt one replica after the other, now and then for longer than a lease; none stays halted."""
    while True:
        await asyncio.sleep(chance.uniform(*PAUSE))
        replica, lasts = chance.choice(replicas), chance.choice((1.0, 3.0, 8.0, LEASE + 3))
        if not replica.alive:
            continue
        seen["frozen"] += 1
        replica.signal(signal.SIGSTOP)
        try:
            await asyncio.sleep(lasts)
        finally:
            replica.signal(signal.SIGCONT)  # or whoever has taken its place


async def _crash(mortal: Mortal, down: float) -> None:
    await asyncio.to_thread(mortal.kill)
    await asyncio.sleep(down)
    await asyncio.to_thread(mortal.start)
