"""Tags that somebody sets and removes: the one thing of a task that people say themselves, and may say otherwise."""

from collections.abc import Mapping
from dataclasses import replace

from service.catalog.catalog import Transaction
from service.catalog.tasks import TaskState
from service.domain.audit import Action
from service.domain.subject import MOST_TAGS
from service.errors import Conflict, NotFound


def retag(tx: Transaction, *, task_id: str, changes: Mapping[str, str | None]) -> TaskState:
    """Give a task these tags, and take away those that are None; others stay. Nothing is written where nothing changes.

    Raises NotFound, and Conflict where it would have more tags than a task may.
    """
    before = tx.tasks.get(task_id)
    if before is None:
        raise NotFound("task_not_found", "no such task")
    task = before.task
    tags = {name: value for name, value in {**task.tags, **changes}.items() if value is not None}
    if tags == task.tags:
        return before
    if len(tags) > max(MOST_TAGS, len(task.tags)):  # one that was told of several times may have more already
        raise Conflict("too_many_tags", f"a task has at most {MOST_TAGS} tags, and this one would have {len(tags)}")
    after = TaskState(replace(task, tags=tags, version=task.version + 1), before.assets)
    tx.tasks.save([(before, after)])
    tx.audit.note(Action.TASK_TAGGED, task_id)
    return after
