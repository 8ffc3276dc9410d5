"""Trying again because somebody asked: dead tasks and images on a round begun anew, waiting ones at once."""

from dataclasses import replace

from service.catalog.catalog import Transaction
from service.catalog.tasks import TaskState
from service.domain.apply_event import settle, standing_status
from service.domain.asset import AssetStatus, retried
from service.domain.audit import Action
from service.domain.history import Effect, HistoryEntry
from service.domain.rules import Rules
from service.domain.task import Check, Origin, Rank, Standing, Task, TaskStatus
from service.errors import Conflict, NotFound


def retry(tx: Transaction, *, task_id: str, rules: Rules) -> TaskState:
    """Have a task's questions and downloads tried again; returns the task as it stands then.

    Raises NotFound, and Conflict when nothing of it is dead or waiting or when nobody can be asked about it.
    """
    before = tx.tasks.get(task_id)
    if before is None:
        raise NotFound("task_not_found", "no such task")
    assets = tuple(retried(asset, now=tx.now, allowed_hosts=rules.allowed_hosts) for asset in before.assets)
    open_to_answers = _is_open(before, rules)
    if not open_to_answers and assets == before.assets:
        raise Conflict("nothing_to_retry", "nothing of this task is dead or waiting")
    if not rules.can_ask and assets == before.assets:
        raise Conflict(
            "nobody_to_ask", "only the provider can tell more of this task: set DARKROOM_EVOLINK__API_KEY and retry"
        )
    task = _again(before, tx) if open_to_answers and rules.can_ask else before.task
    task = replace(settle(task, assets, now=tx.now), version=task.version + 1)
    after = TaskState(task, assets)
    tx.tasks.save([(before, after)])
    status = before.task.status.value
    entry = HistoryEntry(tx.now, Origin.REPLAY, status, Standing.AUTHORITATIVE, Effect.RETRIED, Rank.NOTHING)
    tx.tasks.note([(task_id, entry)])
    tx.audit.note(Action.TASK_RETRIED, task_id)
    return after


def _is_open(state: TaskState, rules: Rules) -> bool:
    """Whether the provider's word could change anything: the end or some images are missing, or unconfirmed."""
    task = state.task
    missing = any(asset.status in (AssetStatus.PENDING, AssetStatus.DEAD) for asset in state.assets)
    unconfirmed = rules.can_ask and not task.confirmed
    return missing or not task.terminal or task.status is TaskStatus.DEAD or unconfirmed


def _again(state: TaskState, tx: Transaction) -> Task:
    """A new round of questions. What was dead for want of an answer waits for one again; lies stay marked."""
    task = replace(state.task, check=Check(at=tx.now, since=tx.now))
    wants_an_answer = task.status is TaskStatus.DEAD and task.rank < Rank.COMPLETED_WITHOUT_LINKS
    return standing_status(task, state.assets) if wants_an_answer else task
