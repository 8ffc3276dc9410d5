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

CLAIM_ARRIVES_WITHIN = 0.5
"""Seconds that a claim under way is waited for when there is no time to drain: left behind, it keeps others waiting."""

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

    @property
    def is_busy(self) -> bool:
        """Whether most places are taken, so that more may be waiting."""
        return 2 * len(self._running) > self._concurrency

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
        deadline = asyncio.get_running_loop().time() + within
        await self._claim_has_arrived(max(within, CLAIM_ARRIVES_WITHIN))
        running = dict(self._running)
        if not running:
            return
        left = max(0.0, deadline - asyncio.get_running_loop().time())
        _, unfinished = await asyncio.wait(running, timeout=left)
        if unfinished:
            for task in unfinished:
                task.cancel()
            await asyncio.wait(unfinished)
            await self._give_all_back([running[task] for task in unfinished])

    async def _claim_has_arrived(self, within: float) -> None:
        """Wait for a claim that is under way, so that it can be handed back; one that hangs is left to expire."""
        try:
            async with asyncio.timeout(within), self._claiming:
                pass
        except TimeoutError:
            log.warning("claim_left_to_expire", worker=self._name)

    async def _start_due(self, places: int) -> None:
        """Claim and start what is due, as far as there are places."""
        async with self._claiming:
            free = self._free(places)
            if free <= 0:
                return
            found = await asyncio.shield(self._job.claim(free))
            if self._stopping:
                await self._give_all_back(found)
                return
            for claimed in found:
                task = asyncio.create_task(self._do(claimed), name=self._name)
                self._running[task] = claimed
                task.add_done_callback(self._ended)

    def _free(self, places: int) -> int:
        """How many pieces may be begun now."""
        return 0 if self._stopping or not self._may_start() else places - len(self._running)

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

    async def _give_all_back(self, claimed: Sequence[C]) -> None:
        """Side by side: where the database hangs, each takes long."""
        await asyncio.gather(*(self._give_back(one, after=timedelta()) for one in claimed))

    async def _give_back(self, claimed: C, *, after: timedelta) -> None:
        try:
            await self._job.release(claimed, after=after)
        except Unavailable:
            log.warning("claim_left_to_expire", worker=self._name)
