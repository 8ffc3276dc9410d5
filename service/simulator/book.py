"""The stand-in's memory: tasks by id, by idempotency key, and images by name. Bounded; the oldest finished go first."""

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice

from service.simulator.api_error import ApiError
from service.simulator.chance import Chance
from service.simulator.faults import Faults
from service.simulator.options import SimulatorOptions
from service.simulator.plan import Status, make_plan, new_task_id
from service.simulator.submission import Submission
from service.simulator.tasks import ResultImage, Task, result_images


class Book:
    """All tasks of one run. `origin` is what result links begin with; `clock` gives Unix seconds."""

    def __init__(self, options: SimulatorOptions, *, chance: Chance, origin: str, clock: Callable[[], float]) -> None:
        self._options = options
        self._chance = chance
        self._origin = origin
        self._clock = clock
        self._faults = Faults(chance, options.faults)
        self._account = chance.hexadecimal(12, "account")
        self._tasks: dict[str, Task] = {}
        self._images: dict[str, ResultImage] = {}
        self._by_key: dict[str, Task] = {}
        self._occurrences: Counter[str] = Counter()
        self.forgotten = 0

    @property
    def seed(self) -> int:
        return self._chance.seed

    def __len__(self) -> int:
        return len(self._tasks)

    def __iter__(self) -> Iterator[Task]:
        """Every task, in the order of submission."""
        return iter(list(self._tasks.values()))

    def get(self, task_id: str) -> Task | None:
        return self._tasks.get(task_id)

    def image(self, path: str) -> ResultImage | None:
        """The image whose link has this path."""
        image = self._images.get(path.rpartition("/")[2])
        return image if image is not None and image.path == path else None

    def replayed(self, key: str, submission: Submission) -> Task | ApiError | None:
        """The task that this idempotency key made before; an error when it was for something else."""
        task = self._by_key.get(key)
        if task is None or task.submission.fingerprint == submission.fingerprint:
            return task
        return ApiError(400, "idempotency_key_reused", "This Idempotency-Key was used for another request.")

    def add(self, submission: Submission, *, idempotency_key: str | None) -> Task | ApiError:
        """Take a submission in and decide its fate; refused when the book is full of unfinished tasks."""
        if len(self._tasks) >= self._options.max_tasks and not self._forget_oldest():
            return ApiError(429, "resource_exhausted", "Too many tasks are under way.")
        task = self._new_task(submission, idempotency_key)
        self._tasks[task.id] = task
        self._images |= {image.picture.file_name: image for image in task.images}
        if idempotency_key is not None:
            self._by_key[idempotency_key] = task
        return task

    def newest(self, *, status: Status | None, skip: int, limit: int) -> list[Task]:
        """A page of tasks, newest first."""
        now = self._clock()
        found = (task for task in reversed(self._tasks.values()) if status in (None, task.status(now)))
        return list(islice(found, skip, skip + limit))

    def _new_task(self, submission: Submission, idempotency_key: str | None) -> Task:
        seen = self._occurrences[submission.identity]
        task_id, occurrence = new_task_id(self._chance, submission, self._tasks, first=seen)
        self._occurrences[submission.identity] = occurrence + 1
        plan = make_plan(task_id, submission, chance=self._chance, options=self._options)
        created, forced = self._clock(), submission.words.faults
        images = result_images(
            plan,
            created=created,
            lifetime=self._options.link_lifetime,
            origin=self._origin,
            account=self._account,
            faults={picture.name: self._faults.for_image(picture.name, forced) for picture in plan.pictures},
        )
        struck = self._faults.for_callbacks(task_id, forced)
        return Task(plan, submission, created, images, struck, idempotency_key)

    def _forget_oldest(self) -> bool:
        oldest = next(iter(self._tasks.values()))
        if not oldest.finished:
            return False
        del self._tasks[oldest.id]
        for image in oldest.images:
            self._images.pop(image.picture.file_name, None)
        if oldest.idempotency_key is not None:
            del self._by_key[oldest.idempotency_key]
        self.forgotten += 1
        if len(self._occurrences) > 2 * self._options.max_tasks:
            self._occurrences.clear()  # a head start only: ids in the book are never given twice
        return True
