"""Submitting: judge, keep, send once, record. What may have arrived is never sent again.

A client that hangs up cancels nothing: what is on its way is paid for, and its answer is recorded.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Protocol, assert_never

import structlog

from service.catalog.catalog import Catalog
from service.catalog.engine import Priority
from service.catalog.tokens import MintedToken
from service.domain.rules import Rules
from service.domain.submission import SEND_WITHIN, Submission, SubmissionStatus
from service.errors import CatalogUnavailable, Invalid
from service.intake.callback_token import TokenSigner
from service.intake.minting import Wish, draft_url, public_url_warnings, signed_url
from service.outbound.retry_after import retry_after
from service.provider.submitting import Accepted, AnswerLost, Declined, NotSent, Sent
from service.submission.budgets import Budgets, BudgetSpent
from service.submission.cost import estimate, estimate_document
from service.submission.keep import Kept, Priced, keep, unclear
from service.submission.outcome import Client, Outcome, Reason, Rejected, Submitted
from service.submission.price_list import Prices
from service.submission.record import handed_out, not_received, record, sent_anew
from service.submission.request import Request

FENCE_SECONDS = 15.0
"""From being kept to being sent, with the wait for its turn."""

RECORD_WITHIN = 5.0
RECORD_AGAIN_AFTER = 1.0
"""Seconds; an answer that the database does not take is tried again for as long as the process lives."""

log = structlog.get_logger(__name__)


class Sends(Protocol):
    """The provider, as far as submissions need it."""

    async def submit(
        self, content: bytes, *, idempotency_key: str, within: float, still: Callable[[], bool]
    ) -> Sent: ...


class Fence:
    """Holds for a moment from now, by both clocks: who stood still must not send what others have given up."""

    def __init__(self) -> None:
        self._steady, self._wall = time.monotonic(), time.time()

    def holds(self) -> bool:
        return max(time.monotonic() - self._steady, time.time() - self._wall) < FENCE_SECONDS


class Submitter:
    """Takes requests that were found good; `tell` hears how each ended. Let it come to its end with `stop`."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        provider: Sends | None,
        signer: TokenSigner,
        rules: Rules,
        prices: Prices,
        budgets: Budgets,
        public_url: str,
        tell: Callable[[Outcome], None] = lambda _: None,
        source: str = "evolink",
    ) -> None:
        self._catalog = catalog
        self._provider = provider
        self._signer = signer
        self._rules = rules
        self._prices = prices
        self._budgets = budgets
        self._public_url = public_url
        self._tell = tell
        self._source = source
        self._under_way: set[asyncio.Task[object]] = set()

    async def submit(self, request: Request, client: Client) -> Outcome:
        """Raises CatalogUnavailable where the request could not be kept: then it was not sent."""
        outcome = await self._submitted(request, client)
        self._tell(outcome)
        return outcome

    async def handed_out(self, submitted: Submitted) -> None:
        """The answer has left for its client; where that cannot be noted, the same again gets it once more."""
        if submitted.submission.status is SubmissionStatus.FOUND:
            with suppress(CatalogUnavailable):
                await self._catalog.write(partial(handed_out, submission_id=submitted.submission.id))

    async def not_received(self, submitted: Submitted) -> None:
        """Its client is gone: the same request again gets the answer, also without an Idempotency-Key."""
        if submitted.submission.status is SubmissionStatus.FOUND:
            with suppress(CatalogUnavailable):
                await self._catalog.write(partial(not_received, submission_id=submitted.submission.id))

    async def stop(self, within: float) -> None:
        """Let what is on its way end within so many seconds; what does not is found again after the next start."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=within)
        for task in self._under_way:
            task.cancel()

    async def _submitted(self, request: Request, client: Client) -> Outcome:
        if self._provider is None:
            return Rejected(
                Reason.NO_PROVIDER, "this process has no key of the provider: set DARKROOM_EVOLINK__API_KEY"
            )
        try:
            kept = await self._keep(request, client)
        except BudgetSpent as error:
            return Rejected(Reason.OVER_BUDGET, str(error), "budget_exceeded")
        match kept:
            case Rejected():
                return kept
            case Submission():
                assert kept.answer is not None
                return Submitted(kept, kept.answer_status or 200, kept.answer, replayed=True)
            case Kept():
                sending = asyncio.create_task(self._sent(self._provider, kept, request), name="submission")
                self._under_way.add(sending)
                sending.add_done_callback(self._under_way.discard)
                return await asyncio.shield(sending)
            case other:
                assert_never(other)

    async def _keep(self, request: Request, client: Client) -> Kept | Submission | Rejected:
        now = datetime.now(UTC)
        reckoned = estimate(request, self._prices, day=now.date())
        document = estimate_document(reckoned) if reckoned is not None else None
        work = partial(
            keep,
            request=request,
            client=client,
            priced=Priced(document, reckoned.nano_usd if reckoned is not None else 0),
            budgets=self._budgets,
            mint=partial(self._minted, client, now),
            fits=lambda token: self._url(token) is not None,
            rules=self._rules,
            source=self._source,
        )
        return await self._catalog.write(work, by=client.actor)

    def _minted(self, client: Client, now: datetime) -> MintedToken:
        """A token with the client's labels, as far as the URL has room for them; the submission keeps them anyway."""
        draft = partial(draft_url, signer=self._signer, public_url=self._public_url, now=now)
        try:
            return draft(Wish(ref=client.ref, tags=client.tags)).token
        except Invalid:
            return draft(Wish()).token

    def _url(self, token: MintedToken) -> str | None:
        """The callback URL of a token; None where it would be too long."""
        try:
            return signed_url(token, signer=self._signer, public_url=self._public_url)
        except Invalid:
            return None

    async def _sent(self, provider: Sends, kept: Kept, request: Request) -> Outcome:
        """Send what is kept, and record what became of it."""
        one, started = kept.submission, time.monotonic()
        # the token is another one after a refusal, which the provider may give again to the same key
        key, send = f"darkroom-{one.id}-{kept.token.id}", partial(provider.submit, within=SEND_WITHIN.total_seconds())
        sent = await send(request.with_callback_url(self._url(kept.token)), idempotency_key=key, still=Fence().holds)
        if isinstance(sent, Declined) and _is_about_callback(sent) and public_url_warnings(self._public_url):
            # nobody can call us here: the task is asked for instead
            log.warning("submitted_without_callback", submission=one.id, reason=sent.detail)
            await self._catalog.write(partial(sent_anew, submission_id=one.id))
            content, key = request.with_callback_url(None), f"{key}-uncalled"
            sent = await send(content, idempotency_key=key, still=Fence().holds)
        one = await self._recorded(one, sent)
        _tell(one, sent, seconds=time.monotonic() - started)
        return _outcome(one, sent, warnings=request.warnings, budgets=kept.warnings)

    async def _recorded(self, one: Submission, sent: Sent) -> Submission:
        """As it stands once that is durable. What the provider took is never denied because our database is ill."""
        write = asyncio.create_task(self._record_at_last(one, sent), name="submission record")
        self._under_way.add(write)
        write.add_done_callback(self._under_way.discard)
        try:
            async with asyncio.timeout(RECORD_WITHIN):
                return await asyncio.shield(write)
        except TimeoutError:
            log.error("submission_not_recorded", submission=one.id, reason=self._catalog.trouble)
            if isinstance(sent, Accepted):
                return replace(one, task_id=sent.event.task_id)
            return one

    async def _record_at_last(self, one: Submission, sent: Sent) -> Submission:
        work = partial(record, submission_id=one.id, attempt=one.attempts, sent=sent, rules=self._rules)
        while True:
            try:
                return await self._catalog.write(work, priority=Priority.INTAKE)
            except CatalogUnavailable:
                await asyncio.sleep(RECORD_AGAIN_AFTER)


def _tell(one: Submission, sent: Sent, *, seconds: float) -> None:
    """One canonical line; neither prompt nor links."""
    log.log(
        logging.INFO if isinstance(sent, Accepted) else logging.WARNING,
        "submission",
        submission=one.id,
        key=one.key_name,
        model=one.model,
        status="taken" if isinstance(sent, Accepted) else one.status.value,
        task_id=one.task_id,
        detail=None if isinstance(sent, Accepted) else sent.detail,
        ms=round(seconds * 1000, 1),
    )


def _is_about_callback(sent: Declined) -> bool:
    return sent.status == 400 and "callback" in f"{sent.param} {sent.detail}"


def _outcome(one: Submission, sent: Sent, *, warnings: tuple[str, ...], budgets: tuple[str, ...]) -> Outcome:
    match sent:
        case Accepted():
            return Submitted(one, sent.status, sent.body, warnings=warnings, budgets=budgets)
        case Declined():
            seconds = retry_after(sent.retry_after, now=datetime.now(UTC))
            return Rejected(Reason.DECLINED, sent.detail, status=sent.status, body=sent.body, retry_after=seconds)
        case NotSent():
            message = f"the request was not sent, and nothing is paid: {sent.detail}"
            return Rejected(Reason.NOT_SENT, message, "service_unavailable", retry_after=sent.retry_after)
        case AnswerLost():
            return unclear(one)
        case other:
            assert_never(other)
