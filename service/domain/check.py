"""When to ask the provider about a task, and what its answers and silences lead to. Pure; it knows not how one asks.

A round of asking begins with a hint, a registration, a retry or a dead link, and ends with a terminal answer or a
reason to give up. Nothing is given up on silence: a provider that says nothing has said nothing about the task.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from service.domain.link import MAX_LINKS, identity
from service.domain.rules import ConfirmMode, Rules
from service.domain.task import Check, EventStatus, Rank, Task, TaskEvent, TaskReason

CONFIRM_LADDER = tuple(timedelta(seconds=s) for s in (2, 5, 15, 60, 5 * 60))
"""Waits between two questions while a callback says that the task ended, and the provider does not yet."""

OVERDUE_LADDER = tuple(timedelta(seconds=s) for s in (30, 60, 2 * 60, 5 * 60, 10 * 60))
"""Waits between two questions about a task of which nobody said that it ended; the last one repeats, as above."""

FIRST_CHECK = timedelta(minutes=2)
"""From hearing of a task to the first question, if no callback comes before: most need none."""

ESTIMATE_GRACE = timedelta(seconds=10)
LONG_SILENCE = timedelta(hours=1)
"""Between two questions once a round is older than the horizon."""


@dataclass(frozen=True, slots=True)
class Next:
    """How to go on: when to ask again, and why to give up, if so; `believe` is to take the callbacks at their word."""

    check: Check
    gives_up: TaskReason | None = None
    believe: bool = False


def begin(check: Check, now: datetime, *, after: timedelta = timedelta()) -> Check:
    """Start the ladder anew, with a question `after` a while or sooner; the patience already spent stays spent."""
    at = now + after
    return replace(check, at=at if check.at is None else min(check.at, at), since=check.since or now, asked=0)


def first_check(now: datetime, *, rules: Rules) -> Check:
    """For a task that somebody told of; without a key nobody can be asked, and only its time runs out."""
    return begin(Check(), now, after=FIRST_CHECK if rules.can_ask else rules.horizon)


def lacks_links(task: Task, event: TaskEvent) -> bool:
    """Whether an answer says completed and shows fewer links than there must be: it may be a moment behind."""
    if event.status is not EventStatus.COMPLETED:
        return False
    expected = max(1, task.expected_images, asked_images(task))
    return len({identity(link) for link in event.links}) < expected


def asked_images(task: Task) -> int:
    """How many images were asked for (`n`), as far as we were told; 0 when we were not."""
    n = (task.parameters or {}).get("n")
    return n if isinstance(n, int) and not isinstance(n, bool) and 0 < n <= MAX_LINKS else 0


def after_end(task: Task, *, lacking: bool, now: datetime, rules: Rules) -> Next:
    """After a terminal answer: nothing more to ask, unless it lacks links and the patience for that is not over."""
    if not lacking:
        return Next(Check())
    linkless_since = task.check.linkless_since or now
    if _over(linkless_since, now, rules.patience):
        return Next(Check())
    check = _answered(task, now, linkless_since=linkless_since)
    return Next(_again(check, _ladder(task), now, end=linkless_since + rules.patience))


def after_not_yet(task: Task, event: TaskEvent, *, now: datetime, rules: Rules) -> Next:
    """After an answer that the task has not ended: again, until the horizon; an end that is known stays known."""
    check = _answered(task, now)
    end = _horizon(check, now, rules)
    if now >= end and not task.terminal:
        return Next(Check(), gives_up=TaskReason.NEVER_FINISHED)
    if now >= end:
        return Next(Check() if task.confirmed else replace(check, at=now + LONG_SILENCE, asked=check.asked + 1))
    earliest = now
    if event.estimated_seconds is not None and task.created_at is not None and not _ended_by_callback(task):
        estimated = task.created_at + timedelta(seconds=event.estimated_seconds) + ESTIMATE_GRACE
        earliest = min(estimated, now + OVERDUE_LADDER[-1])
    return Next(_again(check, _ladder(task), now, end=end, earliest=earliest))


def after_missing(task: Task, *, now: datetime, rules: Rules) -> Next:
    """After the answer that there is no such task."""
    if task.confirmed:  # its links were asked for again, and the provider has forgotten it
        return Next(Check())
    missing_since = task.check.missing_since or now
    if not _over(missing_since, now, rules.patience):
        check = _answered(task, now, missing_since=missing_since)
        return Next(_again(check, CONFIRM_LADDER, now, end=missing_since + rules.patience))
    believed = task.rank >= Rank.COMPLETED_WITHOUT_LINKS
    return Next(Check(), gives_up=TaskReason.REFUTED if believed else TaskReason.UNKNOWN_TO_PROVIDER)


def after_silence(task: Task, *, images: int, now: datetime, rules: Rules, reachable: bool = False) -> Next:
    """After no answer, or one that says nothing about the task; `images` are known of it.

    `reachable`: the provider answers other questions. Then its silence about this task is no reason to believe somebody
    else: whoever can name tasks can name some that it will not speak of, such as those of another account.
    """
    check = replace(task.check, silent_since=task.check.silent_since or now, since=task.check.since or now)
    old = now >= _horizon(check, now, rules)
    if old and task.confirmed:
        return Next(Check())  # only its links were asked for
    patient = not _over(check.silent_since, now, rules.patience)
    believe = not reachable and _is_believable(task, images, patient=patient, rules=rules)
    if old and not patient:
        return Next(replace(check, at=now + LONG_SILENCE, asked=check.asked + 1), believe=believe)
    assert check.silent_since is not None
    end = check.silent_since + rules.patience if patient else None
    return Next(_again(check, _ladder(task), now, end=end), believe=believe)


def after_throttling(task: Task, retry_after: float, *, now: datetime) -> Next:
    """After we were asked to slow down: nobody's fault, and no patience is spent, for the provider is there."""
    return Next(replace(task.check, at=now + timedelta(seconds=retry_after), silent_since=None))


def with_nobody_to_ask(task: Task, *, images: int, now: datetime, rules: Rules) -> Next:
    """Without a key a told task waits for its callback until the horizon; hints of a time with one count now."""
    if _is_believable(task, images, patient=True, rules=rules):
        return Next(Check(), believe=True)
    check = replace(task.check, since=task.check.since or now)
    end = _horizon(check, now, rules)
    if task.terminal:
        return Next(Check())
    return Next(Check(), gives_up=TaskReason.NEVER_FINISHED) if now >= end else Next(replace(check, at=end))


def _answered(
    task: Task, now: datetime, *, missing_since: datetime | None = None, linkless_since: datetime | None = None
) -> Check:
    """The round after an answer: the silence is over, and of the two patiences only that of this answer goes on."""
    return replace(
        task.check,
        since=task.check.since or now,
        missing_since=missing_since,
        linkless_since=linkless_since,
        silent_since=None,
    )


def _is_believable(task: Task, images: int, *, patient: bool, rules: Rules) -> bool:
    """Whether callbacks are to be taken at their word now, and say more than is known."""
    says_more = task.callback_rank > task.rank or task.expected_images > images
    denied = task.reason in (TaskReason.REFUTED, TaskReason.UNKNOWN_TO_PROVIDER)
    if task.confirmed or denied or not _ended_by_callback(task) or not says_more:
        return False
    return rules.mode is ConfirmMode.OFF or (rules.mode is ConfirmMode.PREFERRED and not patient)


def _ended_by_callback(task: Task) -> bool:
    return task.callback_rank >= Rank.COMPLETED_WITHOUT_LINKS


def _ladder(task: Task) -> tuple[timedelta, ...]:
    return CONFIRM_LADDER if _ended_by_callback(task) or task.terminal else OVERDUE_LADDER


def _again(
    check: Check,
    ladder: tuple[timedelta, ...],
    now: datetime,
    *,
    end: datetime | None,
    earliest: datetime | None = None,
) -> Check:
    """The next step of a ladder, not before `earliest`, and once exactly at the `end` of a patience that lies ahead."""
    at = max(now + ladder[min(check.asked, len(ladder) - 1)], earliest or now)
    if end is not None and now < end:
        at = min(at, end)
    return replace(check, at=at, asked=check.asked + 1)


def _over(since: datetime | None, now: datetime, patience: timedelta) -> bool:
    return since is not None and now - since >= patience


def _horizon(check: Check, now: datetime, rules: Rules) -> datetime:
    return (check.since or now) + rules.horizon
