"""Who decodes images: a few worker processes, started when they are needed and ended when they are not.

Bounded in number, in memory (one large image at a time), in time, and in how many wait. Thumbnails go first, as people
wait for them; images are looked at by what is left, and never by all processes where there is more than one. It knows
no store.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass, field

from service.decoding.frames import ANSWER_WITHIN, Look, Order
from service.decoding.process import WorkerProcess
from service.decoding.verdict import Unusable
from service.domain.asset import Stored
from service.errors import Unavailable
from service.storage import Blocks

WORKERS = 2
"""On one processor too: looking has one of them at most, so a thumbnail waits for it only if both images are large.
More would take the processors from callbacks and downloads; a thumbnail is made once, and a page has some fifty. In
memory the second costs what an image takes that is not large."""

MOST_WAITING = 64
RETRY_AFTER = 2

IDLE_SECONDS = 60.0
"""After which a process is ended: it holds about 45 MiB."""

Open = Callable[[], Awaitable[Blocks]]
"""Opens the image when its turn has come."""

Decoded = bytes | Unusable

HEAVY_PIXELS = 16_000_000
HEAVY_BYTES = 16 * 2**20


def is_heavy(stored: Stored) -> bool:
    """Whether decoding an image may take much memory."""
    return stored.image.width * stored.image.height > HEAVY_PIXELS or stored.size > HEAVY_BYTES


@dataclass(frozen=True, slots=True)
class Job:
    """`heavy`: it may take much memory, so no other such one is worked on beside it."""

    order: Order
    open: Open
    heavy: bool
    made: asyncio.Future[Decoded] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    @property
    def can_wait(self) -> bool:
        return isinstance(self.order, Look)


class Pool:
    """Decodes between `start` and `stop`."""

    def __init__(
        self,
        *,
        workers: int = WORKERS,
        most_waiting: int = MOST_WAITING,
        idle: float = IDLE_SECONDS,
        answer_within: float = ANSWER_WITHIN,
        start: Callable[[], Awaitable[WorkerProcess]] = WorkerProcess.start,
    ) -> None:
        self._workers = workers
        self._most_waiting = most_waiting
        self._idle = idle
        self._answer_within = answer_within
        self._start = start
        self._waiting: list[Job] = []
        self._at_work: list[Job] = []
        self._changed = asyncio.Condition()
        self._slots: list[asyncio.Task[None]] = []
        self._alive: set[WorkerProcess] = set()

    def start(self) -> None:
        """Processes come with the first job."""
        self._slots = [asyncio.create_task(self._slot(), name=f"decoder {n}") for n in range(self._workers)]

    async def stop(self) -> None:
        """Give up what is under way; no process is left when this returns."""
        slots, self._slots = self._slots, []
        for slot in slots:
            slot.cancel()
        await asyncio.gather(*slots, return_exceptions=True)
        for worker in tuple(self._alive):
            await self._end(worker)
        for job in self._waiting:
            _refuse(job, Unavailable("the service is stopping"))
        self._waiting.clear()

    async def decode(self, order: Order, open_image: Open, *, heavy: bool) -> Decoded:
        """What is made of the image, or why nothing is. Raises Unavailable if too many wait, and what opening raises.

        Who is cancelled while waiting gives up the place.
        """
        if not self._slots:
            raise Unavailable("the service is stopping")
        job = Job(order, open_image, heavy)
        wanted = sum(not other.can_wait for other in self._waiting)
        if not job.can_wait and wanted >= self._most_waiting:
            raise Unavailable(f"{wanted} thumbnails are waiting to be made", retry_after=RETRY_AFTER)
        async with self._changed:
            self._waiting.append(job)
            self._changed.notify_all()
        try:
            return await job.made
        finally:
            if job in self._waiting:
                self._waiting.remove(job)

    async def _slot(self) -> None:
        """One worker process, or none while there is nothing to do."""
        worker: WorkerProcess | None = None
        while True:
            job = await self._next(self._idle if worker is not None else None)
            if job is not None:
                worker = await self._work(job, worker)
            elif worker is not None:
                await self._end(worker)
                worker = None

    async def _next(self, within: float | None) -> Job | None:
        """The next job that may be begun, None when none came in time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within), self._changed:
                await self._changed.wait_for(lambda: self._first() is not None)
                job = self._first()
                assert job is not None
                self._waiting.remove(job)
                self._at_work.append(job)
                return job
        return None

    def _first(self) -> Job | None:
        in_order = sorted(self._waiting, key=lambda job: job.can_wait)
        return next((job for job in in_order if self._may_begin(job)), None)

    def _may_begin(self, job: Job) -> bool:
        if job.heavy and any(other.heavy for other in self._at_work):
            return False
        looking = sum(other.can_wait for other in self._at_work)
        return not job.can_wait or looking < max(1, self._workers - 1)

    async def _work(self, job: Job, worker: WorkerProcess | None) -> WorkerProcess | None:
        """Do a job; returns the process if it is of use still.

        A process that dies may have been hurt before, by another image or from outside, so a new one decides.
        """
        try:
            made: Decoded | None = None
            is_new = False
            while made is None or (made is Unusable.CRASHED and not is_new):
                if is_new := worker is None or not worker.is_at_rest:
                    worker = await self._new(worker)
                assert worker is not None
                async with aclosing(await job.open()) as blocks:
                    made = await worker.decode(job.order, blocks, within=self._answer_within)
            _give(job, made)
        except Exception as error:  # noqa: BLE001 - whoever asked for it gets it
            _refuse(job, error)
        finally:
            _refuse(job, Unavailable("the service is stopping"))  # unless it was answered
            async with self._changed:
                self._at_work.remove(job)
                self._changed.notify_all()
            if worker is not None and not worker.is_at_rest:
                await self._end(worker)
        return worker if worker is not None and worker.is_at_rest else None

    async def _new(self, old: WorkerProcess | None) -> WorkerProcess:
        if old is not None:
            await self._end(old)
        worker = await self._start()
        self._alive.add(worker)
        return worker

    async def _end(self, worker: WorkerProcess) -> None:
        """Who is cancelled meanwhile leaves it to `stop`."""
        await worker.end()
        self._alive.discard(worker)


def _give(job: Job, made: Decoded) -> None:
    if not job.made.done():
        job.made.set_result(made)


def _refuse(job: Job, error: Exception) -> None:
    if not job.made.done():
        job.made.set_exception(error)
        job.made.exception()  # seen, also where nobody waits any more
