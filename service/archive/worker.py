"""Works on leased things, bounded in number: claims, runs, renews, and hands back what it cannot finish.

It wakes by a nudge, a finished piece of work, or the poll interval, whichever is first; a lost nudge costs one poll.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

import structlog

from service.background import Nudge
from service.errors import Unavailable

C = TypeVar("C")

POLL_SECONDS = 1.0
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 30.0

log = structlog.get_logger(__name__)


class Job(Protocol[C]):
    """A kind of leased work. `work` raises Unavailable when our own side is ill: then the claim is released."""

    async def claim(self, limit: int) -> Sequence[C]: ...

    async def work(self, claimed: C) -> None: ...

    async def release(self, claimed: C) -> None: ...


class Worker(Generic[C]):
    """Runs up to `concurrency` pieces of one kind of work; `may_start` says whether to claim at all just now."""

    def __init__(
        self,
        *,
        name: str,
        job: Job[C],
        concurrency: int,
        nudge: Nudge,
        may_start: Callable[[], bool] = lambda: True,
    ) -> None:
        self._name = name
        self._job = job
        self._concurrency = concurrency
        self._nudge = nudge
        self._may_start = may_start
        self._running: dict[asyncio.Task[None], C] = {}
        self._ill = False  # our own side failed since the loop last looked
        self._pause = 0.0
        self._stopping = False

    @property
    def held(self) -> list[C]:
        """What is being worked on, for the renewal of its leases."""
        return list(self._running.values())

    async def run(self) -> None:
        """Claim and work for ever."""
        while True:
            if self._ill:
                self._ill = False
                self._pause = min(max(FIRST_PAUSE, self._pause * 2), LONGEST_PAUSE)
                await asyncio.sleep(self._pause)
            # after a failure of our own one piece goes first, to see whether the others have a chance
            await self._start_due(1 if self._pause else self._concurrency)
            await self._nudge.wait(POLL_SECONDS)

    async def stop(self, within: float) -> None:
        """Let what runs end within so many seconds; cancel the rest and hand its claims back."""
        self._stopping = True
        if self._running:
            await asyncio.wait(self._running, timeout=within)
        for task in self._running:
            task.cancel()
        if self._running:
            await asyncio.wait(self._running)

    async def _start_due(self, places: int) -> None:
        """Claim and start what is due, as far as there are places."""
        free = places - len(self._running)
        if free <= 0 or self._stopping or not self._may_start():
            return
        for claimed in await self._job.claim(free):
            task = asyncio.create_task(self._do(claimed), name=self._name)
            self._running[task] = claimed
            task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._running.pop(task, None)
        self._nudge.nudge()

    async def _do(self, claimed: C) -> None:
        try:
            await self._job.work(claimed)
            self._pause = 0.0 if not self._ill else self._pause
        except Unavailable as error:
            # our own fault, not the image's: everyone waits, longer each time, and nothing counts as an attempt
            if not (self._ill or self._pause):
                log.error("work_paused", worker=self._name, reason=str(error))
            self._ill = True
            await self._give_back(claimed)
        except asyncio.CancelledError:
            await asyncio.shield(self._give_back(claimed))
            raise
        except Exception:
            log.exception("work_failed", worker=self._name)
            self._ill = True
            await self._give_back(claimed)

    async def _give_back(self, claimed: C) -> None:
        try:
            await self._job.release(claimed)
        except Unavailable:
            log.warning("claim_left_to_expire", worker=self._name)
