"""A bench for servers that meet failures, and how many: a sample, or each one where DARKROOM_CHAOS is `full`."""

import os
import random
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.crash.support.door import Seen, why_no_door
from tests.crash.support.trial import Bench
from tests.system.support.authority import new_authority
from tests.system.support.image_host import ImageHost

FULL = os.environ.get("DARKROOM_CHAOS") == "full"
SEED = 20260503
SAMPLE = 7

Choose = Callable[[list[Seen]], list[int]]


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    """Where servers are tried; skips where system calls cannot be held up."""
    reason = why_no_door(tmp_path)
    if reason is not None:
        pytest.skip(reason)
    authority = new_authority(tmp_path)
    host = ImageHost(tls=authority.server_tls())
    await host.open()
    yield Bench(tmp_path, authority, host)
    await host.close()


@pytest.fixture
def choose() -> Choose:
    """Picks from calls their numbers, counted from 1: all of them, or a few of different kinds."""
    return _all if FULL else _sample


@pytest.fixture
def say(capfd: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Tells the terminal at once in a full run, and nobody but the captured output in a short one."""

    def tell(line: str) -> None:
        if not FULL:
            print(line)
            return
        with capfd.disabled():
            print(line, flush=True)

    return tell


def _all(calls: list[Seen]) -> list[int]:
    return list(range(1, len(calls) + 1))


def _sample(calls: list[Seen]) -> list[int]:
    """One of each part of a life, of a kind that was not picked before where there is one."""
    chance = random.Random(SEED)
    numbers: list[int] = []
    for part in range(SAMPLE):
        candidates = range(part * len(calls) // SAMPLE, (part + 1) * len(calls) // SAMPLE)
        picked = {calls[number - 1].kind for number in numbers}
        fresh = [number for number in candidates if calls[number].kind not in picked]
        numbers.append(chance.choice(fresh or candidates) + 1)
    return numbers
