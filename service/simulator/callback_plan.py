"""Which callbacks a finished task sends, in what order and how spoilt. Pure; `callbacks` sends them.

The provider sends one, with the task object, when a task is completed, failed or cancelled (its callback page).
"""

import json
from dataclasses import dataclass

from service.simulator.chance import Chance
from service.simulator.faults import CallbackFault
from service.simulator.plan import Status
from service.simulator.task_object import ended_object, processing_object
from service.simulator.tasks import Task

STALE_PROGRESS = 90


@dataclass(frozen=True, slots=True)
class Message:
    """One callback: the status that it says, its body, and another body for the first attempt if that is spoilt."""

    said: str
    body: bytes
    first_body: bytes | None = None


@dataclass(frozen=True, slots=True)
class CallbackPlan:
    """What to send after `delay` seconds: groups one after another, the messages of a group at once."""

    delay: float
    groups: tuple[tuple[Message, ...], ...]


def plan_callbacks(task: Task, *, chance: Chance, late_seconds: float) -> CallbackPlan:
    """Everything that one finished task sends; nothing when its callback is lost."""
    struck = task.callback_faults
    if CallbackFault.LOST in struck:
        return CallbackPlan(0.0, ())
    late = CallbackFault.LATE in struck
    delay = late_seconds * chance.between(0.5, 1.5, "late", task.id) if late else 0.0
    before, after = _contradictions(task, chance)
    stale = [(stale_message(task),)] if CallbackFault.REORDER in struck else []
    return CallbackPlan(delay, (*before, *_true_ends(task, chance), *stale, *after))


def true_message(task: Task) -> Message:
    """The callback that the provider would send."""
    return _message(ended_object(task, task.plan.outcome))


def stale_message(task: Task) -> Message:
    """A callback from before the end."""
    return _message(processing_object(task, progress=STALE_PROGRESS))


def contradicting(outcome: Status, choice: Status) -> Status | None:
    """The end that a contradictory callback claims; a cancelled task has none: no one could tell which is true."""
    if outcome is Status.COMPLETED:
        return choice
    return Status.CANCELLED if outcome is Status.FAILED else None


def _true_ends(task: Task, chance: Chance) -> list[tuple[Message, ...]]:
    """The true callback, perhaps with a broken first attempt, perhaps again at once or afterwards."""
    first = good = true_message(task)
    if CallbackFault.MALFORMED in task.callback_faults:
        first = Message(good.said, good.body, first_body=good.body[: len(good.body) // 2])
    if CallbackFault.DUPLICATE not in task.callback_faults:
        return [(first,)]
    again = (good,) * (1 + chance.number(2, "copies", task.id))
    if chance.number(2, "together", task.id):
        return [(first, *again)]
    return [(first,), *((copy,) for copy in again)]


def _contradictions(task: Task, chance: Chance) -> tuple[list[tuple[Message, ...]], list[tuple[Message, ...]]]:
    """A contradictory callback for before the true one, or for after it."""
    choice = chance.choice((Status.FAILED, Status.CANCELLED), "contradiction", task.id)
    claimed = contradicting(task.plan.outcome, choice)
    if claimed is None or CallbackFault.CONFLICT not in task.callback_faults:
        return [], []
    groups: list[tuple[Message, ...]] = [(_message(ended_object(task, claimed)),)]
    return (groups, []) if chance.number(2, "contradiction first", task.id) else ([], groups)


def _message(document: dict[str, object]) -> Message:
    return Message(said=str(document["status"]), body=json.dumps(document).encode())
