"""A submitter over a catalog under a test's clock, and a provider that does with requests what a test says."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from service.domain.budget import Budget
from service.domain.submission import Submission, SubmissionStatus
from service.intake.callback_token import CallbackToken, TokenSigner
from service.provider.payload import Readable, read_callback
from service.provider.reading import Listed, Listing, Unsupported
from service.provider.submitting import Accepted, AnswerLost, Declined, NotSent, Sent
from service.submission.budgets import Budgets
from service.submission.finder import Finder
from service.submission.outcome import Client, Outcome, Rejected, Submitted
from service.submission.price_list import load_prices
from service.submission.request import Request
from service.submission.submit import Submitter
from service.submission.validate import read_request
from tests.support.fake_provider import entry
from tests.support.ledger import Ledger

PUBLIC_URL = "https://darkroom.example.com"
SIGNER = TokenSigner(["a signing secret of more than 32 characters"])
PRICES = load_prices(None)
BETA_IMAGE = 15_000_000
"""What an image of the cheapest kind costs, in nano US dollars: $0.015."""

KEY = "order-0123456789"
CLIENT = Client("team", None, None, {})
KEYED = replace(CLIENT, idempotency_key=KEY)
LOST = AnswerLost("no answer in time")


def request(prompt: str = "a lighthouse", *, model: str = "gpt-image-2-beta", **members: Any) -> Request:
    """A request that was found good."""
    found = read_request(json.dumps({"model": model, "prompt": prompt, **members}).encode(), other_models=False)
    assert isinstance(found, Request), found
    return found


def accepted(task_id: str) -> Accepted:
    body = json.dumps({"id": task_id, "status": "pending", "object": "image.generation.task"}).encode()
    reading = read_callback(body)
    assert isinstance(reading, Readable)
    return Accepted(reading.event, 200, body)


def declined(status: int = 400, **error: Any) -> Declined:
    document = {"error": {"code": "some_code", "message": "why", **error}}
    return Declined(status, json.dumps(document).encode(), "the provider answered: why", error.get("param", ""))


@dataclass(slots=True)
class Provider:
    """Answers what comes as a test says; `taken` are the requests that it made tasks of, `page` is its list."""

    answer: Callable[[dict[str, Any]], Sent] | None = None
    before: Callable[[], Awaitable[object]] | None = None
    page: Callable[[int], Listing] = lambda _: Unsupported()
    sent: list[tuple[dict[str, Any], str]] = field(default_factory=list)
    asked: int = 0

    async def submit(self, content: bytes, *, idempotency_key: str, within: float, still: Callable[[], bool]) -> Sent:
        assert still()
        document: dict[str, Any] = json.loads(content)
        self.sent.append((document, idempotency_key))
        if self.before is not None:
            await self.before()
        return self.answer(document) if self.answer is not None else accepted(f"task-{len(self.sent):04}")

    async def list_page(self, page: int, *, size: int = 50) -> Listing:
        self.asked += 1
        return self.page(page)

    def always(self, sent: Sent) -> None:
        self.answer = lambda _: sent

    def shows(self, *tasks: tuple[str, datetime | None], model: str | None = "gpt-image-2-beta") -> None:
        """Its list has these tasks and no more."""
        events = tuple(replace(entry(task_id, created), model=model) for task_id, created in tasks)
        self.page = lambda page: Listed(events if page == 1 else (), more=False)


@dataclass(slots=True)
class Desk:
    """Where requests are handed in, and who looks for what was lost."""

    ledger: Ledger
    provider: Provider
    submitter: Submitter
    finder: Finder
    outcomes: list[Outcome]
    told: list[SubmissionStatus]

    async def submit(self, wanted: Request | None = None, client: Client = CLIENT) -> Outcome:
        return await self.submitter.submit(wanted or request(), client)

    async def taken(self, wanted: Request | None = None, client: Client = CLIENT) -> Submitted:
        """Submit, and get the answer."""
        outcome = await self.submit(wanted, client)
        assert isinstance(outcome, Submitted), outcome
        await self.submitter.handed_out(outcome)
        return outcome

    async def rejected(self, wanted: Request | None = None, client: Client = CLIENT) -> Rejected:
        outcome = await self.submit(wanted, client)
        assert isinstance(outcome, Rejected), outcome
        return outcome

    async def all(self) -> list[Submission]:
        """Every submission that is kept, the latest first."""

        def read(tx: Any) -> list[Submission]:
            rows = tx.submissions.page(filters={}, after=None, limit=100).items
            return [one for row in rows if (one := tx.submissions.get(row["id"])) is not None]

        return await self.ledger.catalog.read(read)

    async def only(self) -> Submission:
        [one] = await self.all()
        return one

    async def reserved(self, subject: str = "all") -> int:
        """What is held back in all, in nano US dollars."""
        today = self.ledger.clock.now.date()
        sums = await self.ledger.catalog.read(lambda tx: tx.spending.spent(subject, today.replace(day=1), today))
        return sums.reserved

    def token(self, number: int = -1) -> CallbackToken:
        """The token of the callback URL that a request was sent with."""
        url = str(self.provider.sent[number][0]["callback_url"])
        assert url.startswith(f"{PUBLIC_URL}/callbacks/evolink/")
        token = SIGNER.verify(url.rpartition("/")[2], source="evolink", now=self.ledger.clock.now)
        assert token is not None
        return token


def desk(ledger: Ledger, *budgets: Budget, public_url: str = PUBLIC_URL) -> Desk:
    provider = Provider()
    outcomes: list[Outcome] = []
    told: list[SubmissionStatus] = []
    submitter = Submitter(
        catalog=ledger.catalog,
        provider=provider,
        signer=SIGNER,
        rules=ledger.rules,
        prices=PRICES,
        budgets=Budgets(budgets),
        public_url=public_url,
        tell=outcomes.append,
    )
    finder = Finder(catalog=ledger.catalog, provider=provider, rules=ledger.rules, tell=told.append)
    return Desk(ledger, provider, submitter, finder, outcomes, told)


NOT_SENT = NotSent("the provider refuses connections")
