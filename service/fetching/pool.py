"""Processes that fetch side by side: each order goes to the one that has the least to do.

A process has one interpreter's lock: where there are processors to spare, two fetch twice as much. It must not care
what an order is about.
"""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

from service.archive.fetcher import Fetched
from service.domain.attempt import Failed
from service.errors import Unavailable
from service.fetching.process import FetchProcess

ENOUGH_FOR_TWO = 4
"""Processors: the service and what looks at images need some, too."""

FEW = 32
"""Downloads at a time up to which a second process is had: more are wanted where hosts are slow, and one keeps up with
those."""

_QUOTA = Path("/sys/fs/cgroup/cpu.max")


class FetchPool:
    """Fetches by several processes, all of which are started with the first order; end them with `aclose`."""

    def __init__(self, processes: Sequence[FetchProcess]) -> None:
        self._processes = processes

    async def fetch(self, link: str) -> Fetched | Failed:
        """As one of the processes fetches it, of those that can be started; raises what that raises."""
        able = [process for process in self._processes if await _starts(process)]
        return await min(able or self._processes, key=lambda process: process.under_way).fetch(link)

    async def aclose(self) -> None:
        """End the processes; nothing that they were at is left in their folder."""
        await asyncio.gather(*(process.aclose() for process in self._processes))


async def _starts(process: FetchProcess) -> bool:
    try:
        await process.start()
    except Unavailable:
        return False
    return True


def processes_wanted(processors: float, downloads: int) -> int:
    """How many are worth their memory, some 50 MiB each, for so many downloads at a time.

    The service's own work on images, of which it has a processor's time at most, keeps up with two and no more.
    """
    return 2 if processors >= ENOUGH_FOR_TWO and downloads <= FEW else 1


def processors(quota: Path = _QUOTA) -> float:
    """Of how many processors this process may use the time, as far as Linux tells: containers have a share of all."""
    here = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        most, _, period = quota.read_text("ascii").partition(" ")
        return min(here, int(most) / int(period))
    except (OSError, ValueError):  # there is none, or it is "max"
        return here
