"""A submission before it is sent: kept durably, once, with its signed callback URL and its budgets held back."""

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, assert_never

from service.catalog.catalog import Transaction
from service.catalog.tokens import MintedToken
from service.domain.audit import Action
from service.domain.rules import Rules
from service.domain.subject import subjects_of
from service.domain.submission import Again, Submission, SubmissionStatus, again
from service.submission.budgets import Budgets
from service.submission.outcome import Client, Reason, Rejected
from service.submission.record import adopt
from service.submission.request import Request

ORPHAN_FOR = timedelta(hours=1)
"""How long a request without an Idempotency-Key counts as a repetition of the same one whose answer nobody got."""

WAIT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Priced:
    """What a request is reckoned to cost: for the record, and in nano US dollars."""

    document: Mapping[str, Any] | None
    nano: int


@dataclass(frozen=True, slots=True)
class Kept:
    """A submission that is durable and may be sent, with the token of its callback URL."""

    submission: Submission
    token: MintedToken
    warnings: tuple[str, ...]


def keep(
    tx: Transaction,
    *,
    request: Request,
    client: Client,
    priced: Priced,
    budgets: Budgets,
    mint: Callable[[], MintedToken],
    fits: Callable[[MintedToken], bool],
    rules: Rules,
    source: str,
) -> Kept | Submission | Rejected:
    """Keep a request, or tell what is known of it if it was kept before. Raises BudgetSpent, and keeps nothing then.

    `fits` tells whether a callback URL can be made of a token.
    """
    known = _known(tx, request, client)
    if known is not None and known.task_id is None:
        known, waits = _heard(tx, known, rules)
        if waits:
            return unclear(known)
    if known is not None and (earlier := _answered(known, request)) is not None:
        return _handed_out(tx, earlier) if isinstance(earlier, Submission) else earlier
    one = _submission(tx, known, request, client, priced, source)
    tx.spending.reserve(one.subjects, one.day, one.reserved)
    warnings = budgets.admit(tx, subjects=one.subjects, nano=one.reserved, now=tx.now)
    token = _token(tx, known, mint, fits)
    one, claim = replace(one, token_id=token.id), secrets.token_hex(8)
    if known is not None:
        tx.submissions.save(one, claim=claim)
    else:
        tx.submissions.add(one, claim=claim)
    tx.audit.note(Action.SUBMISSION_MADE, one.id, model=one.model)
    return Kept(one, token, warnings)


def _known(tx: Transaction, request: Request, client: Client) -> Submission | None:
    if client.idempotency_key is not None:
        return tx.submissions.under_key(client.key_name, client.idempotency_key)
    return tx.submissions.orphan(client.key_name, request.fingerprint, since=tx.now - ORPHAN_FOR)


def _heard(tx: Transaction, known: Submission, rules: Rules) -> tuple[Submission, bool]:
    """A submission with the task that its callback brought, whatever was thought of it; whether it has to wait for the
    provider's word. It must not be sent again then."""
    if known.token_id is None:
        return known, False
    heard = tx.submissions.heard_of([known.token_id])
    if (task_id := heard.get(known.token_id)) is not None:
        return adopt(tx, known, task_id=task_id, status=SubmissionStatus.FOUND, rules=rules), False
    return known, bool(tx.submissions.called_back([known.token_id]))


def _answered(known: Submission, request: Request) -> Submission | Rejected | None:
    """What a repetition is answered with; None where it may be sent."""
    if known.fingerprint != request.fingerprint:
        message = "this Idempotency-Key was used for another request: take a new one for each"
        return Rejected(Reason.KEY_REUSED, message, "idempotency_key_reused", "Idempotency-Key")
    match again(known):
        case Again.ANSWER:
            return known
        case Again.WAIT:
            return unclear(known)
        case Again.GIVE_UP:
            message = (
                f"whether the provider took this request was never found out (submission {known.id}): send it under "
                "another Idempotency-Key if it may be paid for twice"
            )
            return Rejected(Reason.LOST, message, "submission_lost")
        case Again.SEND:
            return None
        case other:
            assert_never(other)


def _handed_out(tx: Transaction, known: Submission) -> Submission:
    """With an answer; one that nobody got is made up from what is known, once."""
    if known.answer is not None:
        return known
    body = {
        "id": known.task_id,
        "object": "image.generation.task",
        "type": "image",
        "model": known.model,
        "status": "pending",
        "progress": 0,
        "created": int(known.sent_at.timestamp()),
    }
    given = replace(known, status=SubmissionStatus.TAKEN, answer=json.dumps(body).encode(), answer_status=200)
    tx.submissions.save(given)
    return given


def unclear(one: Submission) -> Rejected:
    """Nobody knows yet whether the provider took it."""
    message = (
        f"whether the provider took this request is not known yet (submission {one.id}); its task is being looked for. "
        "Send the same again in a while: it will not be paid for twice"
    )
    return Rejected(Reason.UNCLEAR, message, "submission_unclear", retry_after=WAIT_SECONDS)


def _submission(
    tx: Transaction, known: Submission | None, request: Request, client: Client, priced: Priced, source: str
) -> Submission:
    """As it is kept; one that was kept before keeps its id, by which the provider knows it too."""
    return Submission(
        id=known.id if known else f"sub_{secrets.token_hex(12)}",
        source=source,
        key_name=client.key_name,
        idempotency_key=client.idempotency_key,
        fingerprint=request.fingerprint,
        request=request.with_callback_url(None),
        model=request.model,
        callback_url=request.callback_url,
        ref=client.ref,
        tags=client.tags,
        kept_at=known.kept_at if known else tx.now,
        sent_at=tx.now,
        attempts=known.attempts + 1 if known else 1,
        day=tx.now.date(),
        estimate=priced.document,
        subjects=subjects_of(key_name=client.key_name, model=request.model, tags=client.tags),
        reserved=priced.nano,
    )


def _token(
    tx: Transaction, known: Submission | None, mint: Callable[[], MintedToken], fits: Callable[[MintedToken], bool]
) -> MintedToken:
    """The token of the earlier attempt, so that the provider sees the same request; else a new one.

    What it has refused is another request when it comes again.
    """
    if known is not None and known.token_id is not None and known.status is not SubmissionStatus.REFUSED:
        earlier = tx.tokens.known([known.token_id]).get(known.token_id)
        if earlier is not None and earlier.revoked_at is None and fits(earlier):
            return earlier
    token = mint()
    tx.tokens.add(token)
    return token
