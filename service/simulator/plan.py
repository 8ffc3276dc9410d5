"""What will become of a submission: id, outcome, time and pictures, all decided when it is taken. Pure."""

from collections.abc import Container
from dataclasses import dataclass
from enum import StrEnum

from service.simulator.chance import Chance
from service.simulator.images import Picture
from service.simulator.options import SimulatorOptions
from service.simulator.prompt_words import FAILURES
from service.simulator.submission import Submission
from service.submission.sizes import AUTO, edges

TASK_PREFIX = "task-unified-"
AUTO_SIZES = ((1024, 1024), (1536, 1024), (1024, 1536))
"""What `auto` may come to; all are billed as 1K."""

_EARLIEST, _SPAN = 1_750_000_000, 10_000_000


class Status(StrEnum):
    """The provider's words for where a task is."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Plan:
    """The fate of one task; `failure` is a business code, `seconds` the time that generation takes."""

    task_id: str
    outcome: Status
    failure: str | None
    seconds: float
    pictures: tuple[Picture, ...]


def new_task_id(chance: Chance, submission: Submission, taken: Container[str], *, first: int = 0) -> tuple[str, int]:
    """An id for a submission and how many equal ones came before: by what is asked and how often, never by when.

    The number in it only looks like a time, so that a run with the same seed has the same ids.
    """
    occurrence = first
    while True:
        name = (submission.identity, occurrence)
        unix = _EARLIEST + chance.number(_SPAN, "unix", *name)
        task_id = f"{TASK_PREFIX}{unix}-{chance.letters(8, 'id', *name)}"
        if task_id not in taken:
            return task_id, occurrence
        occurrence += 1


def make_plan(task_id: str, submission: Submission, *, chance: Chance, options: SimulatorOptions) -> Plan:
    """Decide everything about a task; reserved words in its prompt come before the rates."""
    outcome, failure = _outcome(task_id, submission, chance, options)
    pictures = _pictures(task_id, submission, chance, options) if outcome is Status.COMPLETED else ()
    seconds = chance.between(*options.generation_seconds, "seconds", task_id)
    return Plan(task_id=task_id, outcome=outcome, failure=failure, seconds=seconds, pictures=pictures)


def _outcome(
    task_id: str, submission: Submission, chance: Chance, options: SimulatorOptions
) -> tuple[Status, str | None]:
    if submission.words.failure is not None:
        return Status.FAILED, submission.words.failure
    if submission.words.cancel:
        return Status.CANCELLED, None
    if submission.words.complete:
        return Status.COMPLETED, None
    drawn = chance.fraction("outcome", task_id)
    if drawn < options.failure_rate:
        return Status.FAILED, chance.choice(tuple(FAILURES), "failure", task_id)
    cancelled = drawn < options.failure_rate + options.cancel_rate
    return (Status.CANCELLED if cancelled else Status.COMPLETED), None


def _pictures(task_id: str, submission: Submission, chance: Chance, options: SimulatorOptions) -> tuple[Picture, ...]:
    width, height = _edges(task_id, submission, chance)
    return tuple(
        Picture(
            name=chance.hexadecimal(32, "image", task_id, index),
            width=width,
            height=height,
            format=chance.choice(options.formats, "format", task_id, index),
        )
        for index in range(submission.request.n)
    )


def _edges(task_id: str, submission: Submission, chance: Chance) -> tuple[int, int]:
    request = submission.request
    if request.size == AUTO:
        return chance.choice(AUTO_SIZES, "auto", task_id)
    return edges(request.size, request.resolution)
