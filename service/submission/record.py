"""What became of a submission, written down in one transaction with its task, its token and its budgets."""

import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, assert_never

from service.catalog.catalog import Transaction
from service.domain.rules import Rules
from service.domain.submission import Submission, SubmissionStatus, next_look
from service.domain.task import Rank, Task
from service.intake.register import Told, register
from service.provider.payload import read_json, storable, storable_mapping
from service.provider.submitting import Accepted, AnswerLost, Declined, NotSent, Sent

_TOLD_APART = ("model", "prompt", "callback_url")


def record(tx: Transaction, *, submission_id: str, attempt: int, sent: Sent, rules: Rules) -> Submission:
    """Write down what sending came to; returns the submission as it stands.

    A task that was made counts whenever that is learnt; anything else only for the attempt that it belongs to. Where no
    Idempotency-Key tells a repetition, the answer counts as given only when `handed_out` says so.
    """
    one = tx.submissions.get(submission_id)
    assert one is not None, "submissions are never removed"
    if isinstance(sent, Accepted):
        taken = replace(one, answer=sent.body, answer_status=sent.status)
        status = SubmissionStatus.FOUND if one.idempotency_key is None else SubmissionStatus.TAKEN
        return adopt(tx, taken, task_id=sent.event.task_id, status=status, rules=rules, still_ours=True)
    if one.status.made_a_task or one.attempts != attempt:
        return one
    match sent:
        case Declined():
            declined = replace(one, answer=sent.body, answer_status=sent.status)
            return ended_for_nothing(tx, declined, SubmissionStatus.REFUSED, sent.detail)
        case NotSent():
            return ended_for_nothing(tx, one, SubmissionStatus.UNSENT, sent.detail)
        case AnswerLost():
            return lost_sight_of(tx, one, sent.detail)
        case other:
            assert_never(other)


def handed_out(tx: Transaction, *, submission_id: str) -> None:
    """Its client has got the answer: the same request again is another one."""
    one = tx.submissions.get(submission_id)
    if one is not None and one.status is SubmissionStatus.FOUND:
        tx.submissions.save(replace(one, status=SubmissionStatus.TAKEN))


def not_received(tx: Transaction, *, submission_id: str) -> None:
    """Its client was gone before the answer: nobody holds it any more."""
    one = tx.submissions.get(submission_id)
    if one is not None and one.status is SubmissionStatus.FOUND:
        tx.submissions.save(one)


def sent_anew(tx: Transaction, *, submission_id: str) -> None:
    """It leaves once more, now: what is known of times and of who sends it begins anew."""
    one = tx.submissions.get(submission_id)
    if one is not None and one.status is SubmissionStatus.SENDING:
        tx.submissions.save(replace(one, sent_at=tx.now), claim=secrets.token_hex(8))


def adopt(
    tx: Transaction,
    one: Submission,
    *,
    task_id: str,
    status: SubmissionStatus,
    rules: Rules,
    still_ours: bool = False,
) -> Submission:
    """This submission made that task: tell of it with its prompt, parameters and estimate, and have it watched."""
    document = _document(one.request)
    prompt = document.get("prompt")
    told = Told(
        id=task_id,
        prompt=storable(prompt) if isinstance(prompt, str) else None,
        parameters={name: value for name, value in document.items() if name not in _TOLD_APART},
        ref=one.ref,
        tags=one.tags,
        model=one.model,
        token_id=one.token_id,
        submitted_by=one.key_name,
        estimate=one.estimate,
    )
    register(tx, told=told, rules=rules, source=one.source)
    made = replace(one, status=status, task_id=task_id, detail=None, ended_at=tx.now, look_at=None)
    tx.submissions.save(made, still_ours=still_ours)
    return made


def adopt_late(tx: Transaction, task: Task, *, rules: Rules) -> bool:
    """A task that came through a submission's callback URL is that submission's, whatever was thought of it.

    It has to be one that the provider vouches for, or that is believed. Returns whether that changed the task.
    """
    vouched = task.confirmed or task.rank > Rank.NOTHING
    if task.token_id is None or task.submitted_by is not None or not vouched:
        return False
    one = tx.submissions.of_token(task.token_id)
    if one is None or one.task_id is not None:
        return False
    adopt(tx, one, task_id=task.id, status=SubmissionStatus.FOUND, rules=rules)
    return True


def ended_for_nothing(tx: Transaction, one: Submission, status: SubmissionStatus, detail: str) -> Submission:
    """No task came of it: its budgets get back what was held for it."""
    if one.reserved:
        tx.spending.give_back(one.subjects, one.day, one.reserved)
    ended = replace(one, status=status, detail=detail, reserved=0, ended_at=tx.now, look_at=None)
    tx.submissions.save(ended)
    return ended


def given_up(tx: Transaction, one: Submission, detail: str) -> Submission:
    """Nothing will be found out any more. It may be paid for, so its budgets get nothing back."""
    ended = replace(one, status=SubmissionStatus.LOST, detail=detail, ended_at=tx.now, look_at=None)
    tx.submissions.save(ended)
    return ended


def lost_sight_of(tx: Transaction, one: Submission, detail: str) -> Submission:
    """It may have made a task: it is looked for, and its budgets stay held back."""
    lost = replace(one, status=SubmissionStatus.UNCLEAR, detail=detail, ended_at=tx.now)
    lost = replace(lost, look_at=next_look(lost, tx.now))
    tx.submissions.save(lost)
    return lost


def _document(request: bytes) -> Mapping[str, Any]:
    _, document = read_json(request)
    return storable_mapping(document)


def looked_for_again(tx: Transaction, one: Submission) -> Submission:
    """Nothing is found out yet: the next look comes later."""
    waiting = replace(one, look_at=next_look(one, tx.now))
    tx.submissions.save(waiting)
    return waiting
