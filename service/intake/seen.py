"""Tasks seen in the provider's list of the account: strangers are taken up, and ours are asked about if they ended.

A list shows no links, so it decides nothing: it only makes tasks due.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from service.catalog.catalog import Transaction
from service.catalog.tasks import TaskState
from service.domain.check import FIRST_CHECK, begin
from service.domain.history import Effect, HistoryEntry
from service.domain.retry import credible_created, link_deadline
from service.domain.rules import Rules
from service.domain.task import Check, Origin, Rank, Standing, Task, TaskEvent, TaskReason

_GIVEN_UP_TOO_SOON = (TaskReason.UNKNOWN_TO_PROVIDER, TaskReason.REFUTED, TaskReason.NEVER_FINISHED)


@dataclass(frozen=True, slots=True)
class Noticed:
    """How many tasks of a page were unknown, and how many known ones are to be asked about because of it."""

    strangers: int
    due: int


def notice(tx: Transaction, events: Sequence[TaskEvent], *, rules: Rules, since: datetime, source: str) -> Noticed:
    """Take up the listed tasks that were created after `since`, or do not say when."""
    recent = {event.task_id: event for event in events if _created(event, tx.now, since) >= since}
    known = tx.tasks.load(recent)
    changes: list[tuple[TaskState | None, TaskState]] = []
    for task_id, event in recent.items():
        before = known.get(task_id)
        if before is None:
            changes.append((None, TaskState(_stranger(event, tx.now, rules=rules, source=source), ())))
            entry = HistoryEntry(tx.now, Origin.POLL, event.word, Standing.AUTHORITATIVE, Effect.SEEN, Rank.NOTHING)
            tx.tasks.note([(task_id, entry)])
        elif _is_news(before.task, event, tx.now):
            shown = replace(before.task.check, missing_since=None, silent_since=None)
            task = replace(before.task, check=begin(shown, tx.now))
            changes.append((before, replace(before, task=task)))
    tx.tasks.save(changes)
    strangers = sum(before is None for before, _ in changes)
    return Noticed(strangers, len(changes) - strangers)


def _created(event: TaskEvent, now: datetime, otherwise: datetime) -> datetime:
    return credible_created(event.created, now) or otherwise


def _stranger(event: TaskEvent, now: datetime, *, rules: Rules, source: str) -> Task:
    created = credible_created(event.created, now)
    after = timedelta() if event.status.terminal else FIRST_CHECK
    return Task(
        id=event.task_id,
        source=source,
        received_at=now,
        model=event.model,
        created_at=created,
        deadline=link_deadline(created, now, rules.link_lifetime),
        stranger=True,
        check=begin(Check(), now, after=after),
        version=1,
    )


def _is_news(task: Task, event: TaskEvent, now: datetime) -> bool:
    """Whether the list shows an end that we wait for, or a task that was given up as if it did not exist."""
    if task.check.at is not None and task.check.at <= now:
        return False
    if task.reason in _GIVEN_UP_TOO_SOON:
        return event.status.terminal or task.reason is not TaskReason.NEVER_FINISHED
    return event.status.terminal and not task.terminal
