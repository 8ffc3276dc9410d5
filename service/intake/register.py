"""Telling of a task: somebody submitted it and wants it watched, with what the callback will not say."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from service.catalog.catalog import Transaction
from service.catalog.tasks import TaskState
from service.domain.audit import Action
from service.domain.check import asked_images, begin, first_check
from service.domain.history import Effect, HistoryEntry
from service.domain.object_key import is_task_id
from service.domain.rules import Rules
from service.domain.task import Origin, Rank, Standing, Task, TaskStatus
from service.errors import Invalid


@dataclass(frozen=True, slots=True)
class Told:
    """What is known of a submitted task; `token_id` is of the callback URL that it was submitted with."""

    id: str
    prompt: str | None = None
    parameters: Mapping[str, Any] | None = None
    ref: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    model: str | None = None
    token_id: str | None = None
    submitted_by: str | None = None
    estimate: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Registered:
    """The task as it stands, whether it was unknown before, and whether anything of it has changed."""

    state: TaskState
    new: bool
    changed: bool = True


def tell(tx: Transaction, *, told: Told, rules: Rules) -> Registered:
    """Register a task because somebody told of it. Raises Invalid for an impossible id."""
    registered = register(tx, told=told, rules=rules)
    if registered.changed:
        tx.audit.note(Action.TASK_TOLD, told.id)
    return registered


def register(tx: Transaction, *, told: Told, rules: Rules, source: str = "evolink") -> Registered:
    """Keep a told task and have it watched; what is told again fills gaps and overwrites nothing.

    Raises Invalid for an impossible id.
    """
    if not is_task_id(told.id):
        raise Invalid(
            "invalid_task_id", "a task id has 4 to 128 of A-Z a-z 0-9 . _ : - and begins with a letter or digit"
        )
    before = tx.tasks.get(told.id)
    known = before.task if before else _new(tx, told, source, rules)
    task = replace(
        known,
        prompt=known.prompt if known.prompt is not None else told.prompt,
        parameters=known.parameters if known.parameters is not None else told.parameters,
        ref=known.ref if known.ref is not None else told.ref,
        tags={**told.tags, **known.tags},
        model=known.model or told.model,
        token_id=known.token_id or told.token_id,
        submitted_by=known.submitted_by or told.submitted_by,
        estimate=known.estimate if known.estimate is not None else told.estimate,
        stranger=False,
    )
    if before is not None and _lacks_images(before, task):
        task = replace(task, check=begin(task.check, tx.now))
    if before is not None and task == known:
        return Registered(before, new=False, changed=False)
    state = TaskState(replace(task, version=known.version + 1), before.assets if before else ())
    tx.tasks.save([(before, state)])
    entry = HistoryEntry(
        at=tx.now,
        origin=Origin.SUBMISSION,
        status=task.status.value,
        standing=Standing.AUTHORITATIVE,
        effect=Effect.TOLD,
        rank=Rank.NOTHING,
    )
    tx.tasks.note([(told.id, entry)])
    return Registered(state, new=before is None)


def _lacks_images(before: TaskState, task: Task) -> bool:
    """Whether what is told now says that more images were asked for than the provider's answer had."""
    learnt = asked_images(task) > asked_images(before.task)
    return learnt and task.confirmed and task.status is TaskStatus.COMPLETED and asked_images(task) > len(before.assets)


def _new(tx: Transaction, told: Told, source: str, rules: Rules) -> Task:
    return Task(
        id=told.id,
        source=source,
        received_at=tx.now,
        deadline=tx.now + rules.link_lifetime,
        check=first_check(tx.now, rules=rules),
    )
