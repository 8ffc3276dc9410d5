"""A request for images on its way to the provider: what is known of it, and whether it may be sent. Pure.

It is kept before it is sent, so that whoever finds it later knows what may have been paid for. What is sent twice is
paid twice: what may have arrived is not sent again, however often its client asks.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, assert_never

IDEMPOTENCY_KEY_PATTERN = "[A-Za-z0-9._-]{16,96}"
IDEMPOTENCY_KEY = "16 to 96 of A-Z a-z 0-9 . _ -"


def is_idempotency_key(text: str) -> bool:
    """Whether the provider takes it as an Idempotency-Key, and so do we."""
    return re.fullmatch(IDEMPOTENCY_KEY_PATTERN, text) is not None


class SubmissionStatus(StrEnum):
    SENDING = "sending"  # kept; on its way, or its process died
    TAKEN = "taken"  # the provider made a task of it
    FOUND = "found"  # it did, and nobody got its answer as far as we know
    REFUSED = "refused"  # the provider said no: nothing is paid
    UNSENT = "unsent"  # it surely never arrived: nothing is paid
    UNCLEAR = "unclear"  # the answer was lost: it may have arrived
    LOST = "lost"  # and nothing has been heard of it since

    @property
    def made_a_task(self) -> bool:
        return self in (SubmissionStatus.TAKEN, SubmissionStatus.FOUND)


@dataclass(frozen=True, slots=True)
class Submission:
    """What is kept of a request.

    `request` is the JSON as it is sent, but for the callback URL, of which `token_id` is kept; `callback_url` is the
    client's own. `reserved` is what its budgets hold back for it, in nano US dollars.
    """

    id: str
    source: str
    key_name: str
    fingerprint: str
    request: bytes
    model: str
    kept_at: datetime
    day: date
    sent_at: datetime
    idempotency_key: str | None = None
    token_id: str | None = None
    callback_url: str | None = None
    ref: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    status: SubmissionStatus = SubmissionStatus.SENDING
    detail: str | None = None
    task_id: str | None = None
    answer_status: int | None = None
    answer: bytes | None = None
    attempts: int = 1
    ended_at: datetime | None = None
    look_at: datetime | None = None
    estimate: Mapping[str, Any] | None = None
    subjects: tuple[str, ...] = ()
    reserved: int = 0


class Again(StrEnum):
    """What to do with a request that comes again."""

    ANSWER = "answer"  # as before
    SEND = "send"  # nothing came of it
    WAIT = "wait"  # it is not known yet whether anything came of it
    GIVE_UP = "give_up"  # it never will be


def again(known: Submission) -> Again:
    """What a repetition is answered with."""
    match known.status:
        case SubmissionStatus.TAKEN | SubmissionStatus.FOUND:
            return Again.ANSWER
        case SubmissionStatus.REFUSED | SubmissionStatus.UNSENT:
            return Again.SEND
        case SubmissionStatus.SENDING | SubmissionStatus.UNCLEAR:
            return Again.WAIT
        case SubmissionStatus.LOST:
            return Again.GIVE_UP
        case _:
            assert_never(known.status)


SEND_WITHIN = timedelta(seconds=30)
"""How long the provider's answer is waited for."""

ARRIVES_WITHIN = timedelta(seconds=60)
"""A request that arrives makes its task within this time from being sent, even if nobody waits for the answer."""

CLOCKS_DIFFER = timedelta(seconds=30)
NEAR = timedelta(hours=1)
"""Tasks of nobody's within this time make unsure what became of a submission."""

LOOKS = tuple(timedelta(seconds=s) for s in (1, 2, 5, 15, 30, 5 * 60, 15 * 60, 60 * 60))
"""Waits between two looks for the task of a submission whose answer was lost; the last one repeats."""


def next_look(known: Submission, now: datetime) -> datetime:
    """When to look again: soon at first, and as soon as it is clear that no task can be made of it any more."""
    lost_for = now - known.sent_at
    at = now + next((wait for wait in LOOKS if wait * 2 > lost_for), LOOKS[-1])
    return min(at, _over(known)) if now < _over(known) else at


def _over(known: Submission) -> datetime:
    """After this moment no task is made of it."""
    return known.sent_at + ARRIVES_WITHIN + CLOCKS_DIFFER


@dataclass(frozen=True, slots=True)
class Unclaimed:
    """A task in the provider's list that no callback URL and no submission of ours is known to have: its model, and
    when it was created. One that somebody `told` of is nobody else's for certain, and not ours either."""

    task_id: str
    model: str | None
    created_at: datetime | None
    told: bool = False


@dataclass(frozen=True, slots=True)
class Matched:
    """Task ids by submission, and the submissions that surely made none. Of the others nothing is known yet, but the
    tasks that could be theirs."""

    found: Mapping[str, str]
    never_arrived: tuple[str, ...]
    undecided: frozenset[str]


def match(
    lost: Sequence[Submission], under_way: Sequence[Submission], unclaimed: Sequence[Unclaimed], *, now: datetime
) -> Matched:
    """Find the tasks of lost submissions among those that nobody knows, by model and time.

    A task is a submission's own where neither could be another's, and where nobody else seems to use the account then:
    otherwise somebody's picture could get another one's prompt. That none was made is said only where the list shows
    none of nobody's around then. `under_way` are submissions that may have made one, too, and are not judged.
    """
    could = {one.id: [task for task in unclaimed if _could_be(one, task)] for one in (*lost, *under_way)}
    rivals = {task.task_id: [one for one, tasks in could.items() if task in tasks] for task in unclaimed}
    found, gone = {}, []
    for one in lost:
        near = [task for task in unclaimed if _is_near(one, task)]
        ours_alone = all(rivals[task.task_id] for task in near) and not any(task.told for task in near)
        if ours_alone and len(could[one.id]) == 1 and rivals[could[one.id][0].task_id] == [one.id]:
            found[one.id] = could[one.id][0].task_id
        elif now >= _over(one) and not any(task.model in (None, one.model) for task in near):
            gone.append(one.id)
    open_still = {one.id for one in lost} - found.keys()
    undecided = frozenset(task_id for task_id, whose in rivals.items() if not open_still.isdisjoint(whose))
    return Matched(found, tuple(gone), undecided)


def _is_near(one: Submission, task: Unclaimed) -> bool:
    """Whether a task was made around then: clocks may differ by more than we think."""
    return task.created_at is None or abs(task.created_at - one.sent_at) <= NEAR


def _could_be(one: Submission, task: Unclaimed) -> bool:
    """Whether a task was created while this request may have arrived; one that does not say when may be anybody's."""
    if task.created_at is None:
        return task.model in (None, one.model)
    in_time = one.sent_at - CLOCKS_DIFFER <= task.created_at <= _over(one)
    return in_time and task.model in (None, one.model)
