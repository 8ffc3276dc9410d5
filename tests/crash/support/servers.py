"""Servers to try things on, each in a folder of its own, and many trials of them a few at a time."""

import asyncio
import itertools
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from tests.system.support.authority import Authority
from tests.system.support.darkroom import Darkroom
from tests.system.support.ports import listening_socket
from tests.system.support.settings import settings_for

AT_ONCE = 3
PROGRESS_EVERY = 20
LOWEST_PORT, PORTS = 10_000, 9_000
"""Below those that other tests take."""

Tried = TypeVar("Tried")
Failing = TypeVar("Failing")


class Servers:
    """Makes servers, which speak plain HTTP."""

    def __init__(self, folder: Path, authority: Authority) -> None:
        self._folder = folder
        self._authority = authority
        self._numbers = itertools.count()
        self._ports = itertools.count(LOWEST_PORT + os.getpid() * 97 % PORTS)

    def new_folder(self) -> Path:
        folder = self._folder / f"server-{next(self._numbers)}"
        folder.mkdir()
        return folder

    def new(self, folder: Path, changed: Mapping[str, str | None]) -> Darkroom:
        settings = settings_for(folder, self._next_port(), authority=self._authority, tls=False, changed=changed)
        return Darkroom(folder=folder, settings=settings, tls=None)

    def _next_port(self) -> int:
        """A free port that no other server here gets: a neighbour must not answer for one that is not up."""
        return next(port for port in self._ports if _is_free(port))


def _is_free(port: int) -> bool:
    try:
        listening_socket("127.0.0.1", port).close()
    except OSError:
        return False
    return True


async def started(service: Darkroom, door: Sequence[str]) -> bool:
    """Start it, and wait until it answers; False when it ended instead."""
    try:
        await service.start(prefix=door)
    except AssertionError as error:
        if "ended at once" not in str(error):
            raise
        return False
    return True


async def a_few_at_once(
    failures: Sequence[Failing], attempt: Callable[[Failing], Awaitable[Tried]], say: Callable[[str], None]
) -> list[Tried]:
    """Try each failure, and tell now and then how many are done."""
    gate, done = asyncio.Semaphore(AT_ONCE), itertools.count(1)

    async def one(failure: Failing) -> Tried:
        async with gate:
            trial = await attempt(failure)
        if (number := next(done)) % PROGRESS_EVERY == 0:
            say(f"{number} of {len(failures)}")
        return trial

    return list(await asyncio.gather(*(one(failure) for failure in failures)))
