"""The provider's answers, taken in: one transaction for all that were asked about together.

What an answer means is decided in `domain`; an answer counts only while the question is still ours. Nothing here asks.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import assert_never

from service.archive.spans import newly_settled
from service.catalog.catalog import Transaction
from service.catalog.checks import ClaimedCheck
from service.catalog.tasks import TaskState
from service.domain.apply_event import Arrival, apply_event, dated, settle
from service.domain.asset import refuted
from service.domain.check import (
    Next,
    after_end,
    after_missing,
    after_not_yet,
    after_silence,
    after_throttling,
    lacks_links,
    with_nobody_to_ask,
)
from service.domain.history import Effect, HistoryEntry
from service.domain.rules import Rules
from service.domain.task import Origin, Rank, Standing, TaskReason, TaskStatus
from service.intake.batch import deaths, has_work
from service.intake.believe import believe_callbacks
from service.provider.reading import Found, Missing, Reading, Throttled, Unreachable


@dataclass(frozen=True, slots=True)
class NobodyToAsk:
    """There is no provider key."""


class Result(StrEnum):
    """What asking about one task came to; a closed set, used as a metric label."""

    TERMINAL = "terminal"
    NOT_YET = "not_yet"
    UNKNOWN = "unknown"  # the provider knows no such task
    UNREACHABLE = "unreachable"  # says nothing about the task
    THROTTLED = "throttled"
    UNASKED = "unasked"  # there is nobody to ask


@dataclass(frozen=True, slots=True)
class Concluded:
    """What one answer changed; `counted` is False when the question was not ours any more.

    `settled` is the task, if this settled it.
    """

    task_id: str
    result: Result
    state: TaskState | None = None
    counted: bool = False
    believed: bool = False
    deaths: tuple[str, ...] = ()
    settled: TaskState | None = None

    @property
    def wakes(self) -> bool:
        return self.state is not None and has_work(self.state)


@dataclass(frozen=True, slots=True)
class _Step:
    """A state on its way, with what is to be written into its history and how the question ended."""

    state: TaskState
    result: Result
    entries: tuple[HistoryEntry, ...] = ()
    next: Next | None = None


def take_answers(
    tx: Transaction,
    answers: Sequence[tuple[ClaimedCheck, Reading | NobodyToAsk]],
    *,
    rules: Rules,
    key_mark: str,
    reachable: bool = False,
) -> list[Concluded]:
    """Take answers in; returns one conclusion for each.

    `reachable`: the provider answers other questions, so that silence about one task is not its own. `key_mark` names
    the mark of this provider key: while it has never seen any task, "no such task" says nothing, for the key may be of
    another account.
    """
    held = tx.checks.held(claimed for claimed, _ in answers)
    loaded = tx.tasks.load(held)
    proven = tx.marks.get(key_mark) is not None
    if not proven and any(isinstance(reading, Found) for _, reading in answers):
        tx.marks.set(key_mark, tx.now)
        proven = True
    changes, concluded = [], []
    for claimed, reading in answers:
        before = loaded.get(claimed.task_id)
        if before is None:
            concluded.append(Concluded(claimed.task_id, _result(reading, proven=proven)))
            continue
        step = _concluded(tx, before, reading, rules=rules, proven=proven, reachable=reachable)
        changes.append((before, step.state))
        tx.tasks.note([(claimed.task_id, entry) for entry in step.entries])
        believed = step.next is not None and step.next.believe
        died = deaths(before, step.state)
        settled = newly_settled(before.task, step.state)
        concluded.append(Concluded(claimed.task_id, step.result, step.state, True, believed, died, settled))
    tx.tasks.save(changes)
    tx.checks.release(claimed for claimed, _ in answers)
    return concluded


def _result(reading: Reading | NobodyToAsk, *, proven: bool) -> Result:
    match reading:
        case Found():
            return Result.TERMINAL if reading.event.status.terminal else Result.NOT_YET
        case Missing():
            return Result.UNKNOWN if proven else Result.UNREACHABLE
        case Unreachable():
            return Result.UNREACHABLE
        case Throttled():
            return Result.THROTTLED
        case NobodyToAsk():
            return Result.UNASKED
        case _:
            assert_never(reading)


def _concluded(
    tx: Transaction, before: TaskState, reading: Reading | NobodyToAsk, *, rules: Rules, proven: bool, reachable: bool
) -> _Step:
    """The state after one answer, with the next question planned."""
    result = _result(reading, proven=proven)
    task = before.task
    match reading:
        case Found():
            step = _found(tx, before, reading, result, rules)
        case Missing() if proven:
            entries = (
                () if task.check.missing_since else (_entry(tx, "", Effect.NOT_YET, "the provider knows no such task"),)
            )
            step = _Step(before, result, entries, after_missing(task, now=tx.now, rules=rules))
        case Missing() | Unreachable():
            there = reachable and isinstance(reading, Unreachable)
            following = after_silence(task, images=len(before.assets), reachable=there, now=tx.now, rules=rules)
            step = _silent(tx, before, following, result, rules)
        case Throttled():
            step = _Step(before, result, next=after_throttling(task, reading.retry_after, now=tx.now))
        case NobodyToAsk():
            step = _silent(
                tx, before, with_nobody_to_ask(task, images=len(before.assets), now=tx.now, rules=rules), result, rules
            )
        case _:
            assert_never(reading)
    assert step.next is not None
    planned = replace(step, state=replace(step.state, task=replace(step.state.task, check=step.next.check)))
    return _given_up(tx, planned, step.next.gives_up) if step.next.gives_up is not None else planned


def _found(tx: Transaction, before: TaskState, reading: Found, result: Result, rules: Rules) -> _Step:
    task, event = before.task, reading.event
    lacking = lacks_links(task, event)
    if lacking and not event.links:
        waits = after_end(task, lacking=True, now=tx.now, rules=rules)
        if waits.check.at is not None or before.assets:  # naming no link contradicts none
            note = "completed, but no link is shown yet"
            entries = () if task.check.linkless_since else (_entry(tx, event.word, Effect.NOT_YET, note),)
            return _Step(before, Result.NOT_YET, entries, waits)
    arrival = Arrival(task.source, tx.now, Origin.POLL, Standing.AUTHORITATIVE)
    applied = apply_event(task, before.assets, event, arrival, rules=rules, event_json=reading.text)
    assert applied is not None, "only hints can leave no task behind"
    after = applied.task
    if event.status.terminal:
        following = after_end(after, lacking=lacking, now=tx.now, rules=rules)
        is_new = after.version != task.version or applied.entry.effect is Effect.DECIDED
    else:
        following = after_not_yet(after, event, now=tx.now, rules=rules)
        is_new = applied.entry.effect is Effect.DECIDED or not task.check.asked
    return _Step(TaskState(after, applied.assets), result, (applied.entry,) if is_new else (), following)


def _silent(tx: Transaction, before: TaskState, following: Next, result: Result, rules: Rules) -> _Step:
    if not following.believe:
        return _Step(before, result, next=following)
    state, entries = believe_callbacks(tx, before, rules=rules)
    return _Step(state, result, tuple(entries), following)


def _given_up(tx: Transaction, step: _Step, reason: TaskReason) -> _Step:
    """Dead, visibly; what callbacks were believed on stays, marked, when the provider does not know the task."""
    task, assets = step.state.task, step.state.assets
    if reason is TaskReason.REFUTED:
        task, assets = replace(task, conflict=True), tuple(refuted(asset) for asset in assets)
    task = replace(task, status=TaskStatus.DEAD, reason=reason, version=task.version + 1)
    task = settle(dated(task, assets, now=tx.now), assets, now=tx.now)
    entry = _entry(tx, task.status.value, Effect.GAVE_UP, _WHY_GIVEN_UP[reason])
    return replace(step, state=TaskState(task, assets), entries=(*step.entries, entry))


_WHY_GIVEN_UP = {
    TaskReason.UNKNOWN_TO_PROVIDER: "the provider knows no such task, and the patience for that is over",
    TaskReason.REFUTED: "callbacks were believed while the provider was silent; it knows no such task",
    TaskReason.NO_LINKS: "completed without any link",
    TaskReason.NEVER_FINISHED: "it did not finish within the horizon",
}


def _entry(tx: Transaction, status: str, effect: Effect, note: str) -> HistoryEntry:
    return HistoryEntry(tx.now, Origin.POLL, status, Standing.AUTHORITATIVE, effect, Rank.NOTHING, note=note)
