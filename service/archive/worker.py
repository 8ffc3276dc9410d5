"""Works on leased things, bounded in number: claims, runs, renews, and hands back what it cannot finish.

It wakes by a nudge, a finished piece of work, or the poll interval, whichever is first; a lost nudge costs one poll.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Generic, Protocol, TypeVar

import structlog

from service.background import Nudge
from service.errors import Unavailable

C = TypeVar("C")

POLL_SECONDS = 1.0
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 30.0
AFTER_A_BUG = timedelta(minutes=5)
"""How long a piece of work that raised something unexpected is left alone."""

log = structlog.get_logger(__name__)


class Job(Protocol[C]):
    """A kind of leased work. `work` raises Unavailable when our own side is ill; `release` counts no attempt."""

    async def claim(self, limit: int) -> Sequence[C]: ...

    async def work(self, claimed: C) -> None: ...

    async def release(self, claimed: C, *, after: timedelta) -> None: ...


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
        self._claiming = asyncio.Lock()
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
                self._pause = self._next_pause()
                await asyncio.sleep(self._pause)
            # after a failure of our own one piece goes first, to see whether the others have a chance
            await self._start_due(1 if self._pause else self._concurrency)
            await self._nudge.wait(POLL_SECONDS)

    async def stop(self, within: float) -> None:
        """Let what runs end within so many seconds; cancel the rest and hand its claims back."""
        self._stopping = True
        async with self._claiming:
            unfinished = dict(self._running)  # a claim that was under way has arrived by now
        if unfinished:
            _, unfinished_tasks = await asyncio.wait(unfinished, timeout=within)
            for task in unfinished_tasks:
                task.cancel()
                await asyncio.wait([task])
                await self._give_back(unfinished[task], after=timedelta())

    async def _start_due(self, places: int) -> None:
        """Claim and start what is due, as far as there are places."""
        async with self._claiming:
            free = places - len(self._running)
            if free <= 0 or self._stopping or not self._may_start():
                return
            for claimed in await asyncio.shield(self._job.claim(free)):
                task = asyncio.create_task(self._do(claimed), name=self._name)
                self._running[task] = claimed
                task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._running.pop(task, None)
        self._nudge.wake()

    async def _do(self, claimed: C) -> None:
        try:
            await self._job.work(claimed)
            self._pause = 0.0 if not self._ill else self._pause
        except Unavailable as error:
            # our own fault, not the image's: everyone waits, longer each time, and nothing counts as an attempt
            if not (self._ill or self._pause):
                log.error("work_paused", worker=self._name, reason=str(error))
            self._ill = True
            # not due at the next probe: if only this piece is at fault, another one proves it
            await self._give_back(claimed, after=timedelta(seconds=2 * self._next_pause()))
        except Exception:
            log.exception("work_failed", worker=self._name)
            await self._give_back(claimed, after=AFTER_A_BUG)

    def _next_pause(self) -> float:
        return min(max(FIRST_PAUSE, self._pause * 2), LONGEST_PAUSE)

    async def _give_back(self, claimed: C, *, after: timedelta) -> None:
        try:
            await self._job.release(claimed, after=after)
        except Unavailable:
            log.warning("claim_left_to_expire", worker=self._name)
