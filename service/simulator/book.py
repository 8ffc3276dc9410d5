"""The stand-in's memory: tasks by id, by idempotency key, and images by name. Bounded; the oldest finished go first."""

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice

from service.simulator.api_error import ApiError
from service.simulator.chance import Chance
from service.simulator.faults import Faults, LinkFault
from service.simulator.options import SimulatorOptions
from service.simulator.plan import make_plan, new_task_id
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
        self._tasks: dict[str, Task] = {}
        self._images: dict[str, tuple[Task, ResultImage]] = {}  # by path
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

    def image(self, path: str) -> tuple[Task, ResultImage] | None:
        """The image whose link has this path, or has it once it has moved, and its task."""
        return self._images.get(path)

    def replayed(self, key: str, submission: Submission) -> Task | ApiError | None:
        """The task that this idempotency key made before; an error when it was for something else."""
        task = self._by_key.get(key)
        if task is None or task.submission.request.fingerprint == submission.request.fingerprint:
            return task
        return ApiError(400, "idempotency_key_reused", "This Idempotency-Key was used for another request.")

    def add(self, submission: Submission, *, idempotency_key: str | None, age: float = 0.0) -> Task | ApiError:
        """Take a submission in, made `age` seconds ago, and decide its fate; refused when full of unfinished tasks."""
        if len(self._tasks) >= self._options.max_tasks and not self._forget_oldest():
            return ApiError(429, "resource_exhausted", "Too many tasks are under way.")
        task = self._new_task(submission, idempotency_key, self._clock() - age)
        self._tasks[task.id] = task
        self._images |= {path: (task, image) for image in task.images for path in _paths(task, image)}
        if idempotency_key is not None:
            self._by_key[idempotency_key] = task
        return task

    def newest(self, *, wanted: Callable[[Task], bool], skip: int, limit: int) -> list[Task]:
        """A page of the wanted tasks, newest first."""
        oldest_first = sorted(self._tasks.values(), key=lambda task: task.created)
        return list(islice(filter(wanted, reversed(oldest_first)), skip, skip + limit))

    def _new_task(self, submission: Submission, idempotency_key: str | None, created: float) -> Task:
        seen = self._occurrences[submission.identity]
        task_id, occurrence = new_task_id(self._chance, submission, self._tasks, first=seen)
        self._occurrences[submission.identity] = occurrence + 1
        plan = make_plan(task_id, submission, chance=self._chance, options=self._options)
        forced = submission.words.faults
        images = result_images(
            plan,
            created=created,
            lifetime=self._options.link_lifetime,
            origin=self._origin,
            chance=self._chance,
            faults={picture.name: self._faults.for_image(picture.name, forced) for picture in plan.pictures},
        )
        return Task(
            plan=plan,
            submission=submission,
            created=created,
            images=images,
            callback_faults=self._faults.for_callbacks(task_id, forced),
            link_faults=self._faults.for_links(task_id, forced),
            idempotency_key=idempotency_key,
        )

    def _forget_oldest(self) -> bool:
        oldest = next(iter(self._tasks.values()))
        if not oldest.finished:
            return False
        del self._tasks[oldest.id]
        for image in oldest.images:
            for path in _paths(oldest, image):
                self._images.pop(path, None)
        if oldest.idempotency_key is not None:
            del self._by_key[oldest.idempotency_key]
        self.forgotten += 1
        if len(self._occurrences) > 2 * self._options.max_tasks:
            self._occurrences.clear()  # a head start only: ids in the book are never given twice
        return True


def _paths(task: Task, image: ResultImage) -> tuple[str, ...]:
    return (image.path, image.moved_path) if LinkFault.MOVED in task.link_faults else (image.path,)
