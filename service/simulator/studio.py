"""Works on tasks: draws their images, lets their time pass, ends them, and sends their callbacks."""

import asyncio
from collections.abc import Callable
from typing import Self

from service.simulator.book import Book
from service.simulator.callback_plan import plan_callbacks, true_message
from service.simulator.callbacks import Courier
from service.simulator.chance import Chance
from service.simulator.image_shelf import ImageShelf
from service.simulator.tasks import Attempt, Task


class Studio:
    """Runs each task on its own; what is under way is dropped when the studio closes."""

    def __init__(
        self,
        *,
        book: Book,
        shelf: ImageShelf,
        courier: Courier,
        chance: Chance,
        late_seconds: float,
        clock: Callable[[], float],
    ) -> None:
        self.book = book
        self._shelf = shelf
        self._courier = courier
        self._chance = chance
        self._late_seconds = late_seconds
        self._clock = clock
        self._under_way: set[asyncio.Task[None]] = set()

    def begin(self, task: Task) -> None:
        """Start work on a task that was just added to the book, or what is left of it."""
        work = asyncio.get_running_loop().create_task(self._run(task))
        self._under_way.add(work)
        work.add_done_callback(self._under_way.discard)

    async def call_again(self, task: Task, callback_url: str) -> Attempt:
        """Send a finished task's callback once more, in one attempt."""
        message = true_message(task)
        attempt = await self._courier.post(callback_url, said=message.said, body=message.body)
        task.record(attempt)
        return attempt

    async def end(self, task: Task) -> None:
        """Draw a task's images, wait until its time is over, and end it."""
        for image in task.images:
            image.true = await self._shelf.measure(image.picture)
        await asyncio.sleep(task.created + task.plan.seconds - self._clock())
        task.ended_at = self._clock()

    async def _run(self, task: Task) -> None:
        if not task.finished:
            await self.end(task)
        if task.submission.request.callback_url is not None:
            await self._announce(task, task.submission.request.callback_url)
        task.announced = True

    async def _announce(self, task: Task, callback_url: str) -> None:
        planned = plan_callbacks(task, chance=self._chance, late_seconds=self._late_seconds)
        await asyncio.sleep(planned.delay)
        for group in planned.groups:
            deliveries = (self._courier.deliver(callback_url, message, task.record) for message in group)
            await asyncio.gather(*deliveries)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exception: object) -> None:
        under_way = list(self._under_way)
        for work in under_way:
            work.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
