"""Loops that run for as long as the service does, and the nudge that wakes one. Plain asyncio; knows no work."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import structlog

from service.errors import Unavailable

log = structlog.get_logger(__name__)

Run = Callable[[], Awaitable[None]]
Drain = Callable[[float], Awaitable[None]]


class Nudge:
    """A wake-up that coalesces: many nudges before a wait wake it once. For one event loop, not for threads.

    `tell` is called with each nudge, to pass it on to other processes; a wake stays in this one.
    """

    def __init__(self, tell: Callable[[], None] = lambda: None) -> None:
        self._event = asyncio.Event()
        self._tell = tell

    def nudge(self) -> None:
        """There is new work, for whoever is free."""
        self._tell()
        self.wake()

    def wake(self) -> None:
        self._event.set()

    async def wait(self, timeout: float) -> bool:
        """Wait for a nudge, at most `timeout` seconds; whether one came. A nudge is used up by the wait it wakes."""
        try:
            async with asyncio.timeout(timeout):
                await self._event.wait()
        except TimeoutError:
            return False
        self._event.clear()
        return True


@dataclass(frozen=True, slots=True)
class Pauses:
    """How long to wait after a failure, in seconds: `first`, doubling to `longest`, anew after a run of `healthy`."""

    first: float = 0.1
    longest: float = 30.0
    healthy: float = 60.0


class LoopEndedError(RuntimeError):
    """A loop returned although it is meant to run for ever."""


class CancelledInsideError(RuntimeError):
    """Something that a loop awaited was cancelled, but not the loop itself."""


PAUSES = Pauses()

DRAIN_GRACE = 1.0
"""Seconds beyond the deadline for a drain to cancel what it could not finish and hand it back."""

CANCEL_WITHIN = 5.0
"""Seconds for cancelled loops to end; what clings to life longer must not keep the process from leaving."""


async def keep_running(
    name: str,
    run: Run,
    *,
    pauses: Pauses = PAUSES,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    clock: Callable[[], float] | None = None,
) -> None:
    """Run a loop for ever: when it fails, log it once per incident and start it again after a pause, never spinning.

    An incident is the same error again and again without a healthy run in between. Cancelling ends it.
    """
    now = clock or asyncio.get_running_loop().time
    pause, incident = pauses.first, ""
    while True:
        started = now()
        error = await _failure_of(run)
        if now() - started >= pauses.healthy:
            pause, incident = pauses.first, ""
        if repr(error) != incident:
            incident = repr(error)
            _tell(name, error)
        await sleep(pause)
        pause = min(pause * 2, pauses.longest)


def _tell(name: str, error: Exception) -> None:
    """An outage of what we depend on is told in a line; anything else is a bug, and told with where it happened."""
    if isinstance(error, Unavailable):
        log.error("loop_failed", loop=name, reason=str(error))
    else:
        log.error("loop_failed", loop=name, exc_info=error)


async def _failure_of(run: Run) -> Exception:
    """Run it to its end, which is a failure however it looks; raises CancelledError when this task is cancelled."""
    try:
        await run()
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        return CancelledInsideError(*error.args)
    except Exception as error:  # noqa: BLE001 - returned, and logged by the caller
        return error
    return LoopEndedError("the loop returned")


@dataclass(frozen=True, slots=True)
class _Loop:
    task: asyncio.Task[None]
    drain: Drain | None
    ends_first: bool


@dataclass(slots=True)
class Background:
    """Named loops, and the order in which they end.

    Those of a kind are cancelled together, so that a database that keeps each of them waiting is waited for once.
    """

    cancel_within: float = CANCEL_WITHIN
    _loops: list[_Loop] = field(default_factory=list)

    def start(self, name: str, run: Run, *, drain: Drain | None = None, ends_first: bool = False) -> None:
        """Start a loop. `drain(seconds)` is awaited before it is cancelled, so that it can finish what is under way.

        One that `ends_first` is cancelled before the drains: what it would begin meanwhile would only be cut short.
        """
        task = asyncio.create_task(keep_running(name, run), name=name)
        self._loops.append(_Loop(task, drain, ends_first))

    async def stop(self, within: float = 0.0) -> None:
        """Stop the loops; the drains, last started first, together get `within` seconds, then they are cancelled."""
        deadline = asyncio.get_running_loop().time() + within
        loops, self._loops = self._loops, []
        await self._cancel([loop.task for loop in loops if loop.ends_first])
        for loop in reversed(loops):
            if loop.drain is not None:
                await _drained(loop.task.get_name(), loop.drain, deadline)
                await self._cancel([loop.task])
        await self._cancel([loop.task for loop in loops if loop.drain is None and not loop.ends_first])

    async def _cancel(self, tasks: Sequence[asyncio.Task[None]]) -> None:
        """Cancel them, wait until they have ended, and name those that cling to life."""
        if not tasks:
            return
        for task in tasks:
            task.cancel()
        _, clinging = await asyncio.wait(tasks, timeout=self.cancel_within)
        for task in clinging:
            log.error("loop_did_not_stop", loop=task.get_name())


async def _drained(name: str, drain: Drain, deadline: float) -> None:
    """Await a drain; one that fails or takes too long is logged and must not keep the others from stopping."""
    left = max(0.0, deadline - asyncio.get_running_loop().time())
    try:
        async with asyncio.timeout(left + DRAIN_GRACE):
            await drain(left)
    except TimeoutError:
        log.warning("drain_timed_out", loop=name)
    except Exception:
        log.exception("drain_failed", loop=name)
