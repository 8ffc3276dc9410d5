"""What the task API shows of a task, by its habits: not always what is true. Callbacks know nothing of it."""

from collections.abc import Callable
from typing import Any, assert_never

from service.simulator.api_state import ApiSwitch
from service.simulator.chance import Chance
from service.simulator.links import read_links
from service.simulator.plan import Status
from service.simulator.task_object import (
    CANCELLED_CODE,
    UNKNOWN_CODE,
    completed_object,
    ended_object,
    processing_object,
    submit_answer,
    unsuccessful_object,
)
from service.simulator.tasks import Task


class TaskView:
    """Looks at tasks as the switch is turned now; `clock` gives Unix seconds."""

    def __init__(self, *, switch: ApiSwitch, chance: Chance, clock: Callable[[], float]) -> None:
        self._switch = switch
        self._chance = chance
        self._clock = clock

    def status(self, task: Task) -> Status | None:
        """The status that a read shows; None while the task is not known to reads."""
        now, habits = self._clock(), self._switch.habits
        if now < task.created + habits.unknown_seconds:
            return None
        if task.ended_at is not None and now < task.ended_at + habits.behind_seconds:
            return Status.PROCESSING
        status = task.status(now)
        return Status.FAILED if status is Status.CANCELLED and habits.cancelled_as_failed else status

    def shown(self, task: Task, *, with_links: bool) -> dict[str, Any] | None:
        """The task object of a read, which counts if it gives links; None while the task is not known to reads."""
        status = self.status(task)
        match status:
            case None:
                return None
            case Status.PENDING:
                return submit_answer(task)
            case Status.PROCESSING:
                return processing_object(task, progress=self._progress(task))
            case Status.COMPLETED:
                return completed_object(task, read_links(task, self._chance) if with_links else None)
            case Status.FAILED if task.plan.outcome is Status.CANCELLED:
                code = UNKNOWN_CODE if self._switch.habits.plain_failed else CANCELLED_CODE
                return unsuccessful_object(task, status, code)
            case Status.FAILED | Status.CANCELLED:
                return ended_object(task, status)
            case _:
                assert_never(status)

    def _progress(self, task: Task) -> int:
        waited = self._clock() - task.created
        share = waited / task.plan.seconds if task.plan.seconds else 1.0
        return max(1, min(99, int(share * 100)))
