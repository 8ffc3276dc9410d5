"""Legal holds: put on a task and taken off again. While there is one, `deletion` deletes nothing of the task."""

from dataclasses import replace

from service.catalog.catalog import Transaction
from service.catalog.tasks import TaskState
from service.domain.audit import Action, Actor
from service.domain.task import Hold
from service.errors import NotFound


def hold(tx: Transaction, *, task_id: str, reason: str | None, by: Actor) -> TaskState:
    """Put a hold on a task; where there is one, only its reason changes. Raises NotFound."""
    state = _state(tx, task_id)
    was = state.task.hold
    if was is not None and was.reason == reason:
        return state
    after = Hold(was.at, was.by, reason) if was is not None else Hold(tx.now, by.shown, reason)
    tx.audit.note(Action.TASK_HELD, task_id, reason=reason)
    return _saved(tx, state, after)


def release(tx: Transaction, *, task_id: str) -> TaskState:
    """Take the hold off a task, if there is one. Raises NotFound."""
    state = _state(tx, task_id)
    if state.task.hold is None:
        return state
    tx.audit.note(Action.TASK_RELEASED, task_id, held_by=state.task.hold.by, reason=state.task.hold.reason)
    return _saved(tx, state, None)


def _state(tx: Transaction, task_id: str) -> TaskState:
    state = tx.tasks.get(task_id)
    if state is None:
        raise NotFound("task_not_found", "no such task")
    return state


def _saved(tx: Transaction, state: TaskState, hold: Hold | None) -> TaskState:
    after = TaskState(replace(state.task, hold=hold, version=state.task.version + 1), state.assets)
    tx.tasks.save([(state, after)])
    return after
