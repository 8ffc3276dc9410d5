"""Looks for the tasks of submissions whose answers were lost: by their callbacks, then in the provider's list.

It sends nothing again: that is for the client to ask for, once it is known that nothing arrived. Tasks that may be one
of several are taken up as strangers: whose ever they are, their images are kept.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Protocol

import structlog

from service.catalog.catalog import Catalog, Transaction
from service.domain.retry import credible_created
from service.domain.rules import Rules
from service.domain.submission import CLOCKS_DIFFER, Submission, SubmissionStatus, Unclaimed, match
from service.domain.task import TaskEvent
from service.intake.seen import notice
from service.provider.reading import Listed, Listing
from service.submission.record import adopt, ended_for_nothing, given_up, looked_for_again, lost_sight_of

LOOK_EVERY = 1.0
TOGETHER = 100
MOST_PAGES = 40
"""Of 50 tasks each; where more were made since, the list is not asked."""

_DIED = "the process ended while it was sent"
_NEVER = "the provider has no task of it"
_GIVEN_UP = "nothing was heard of it"

log = structlog.get_logger(__name__)


class Lists(Protocol):
    async def list_page(self, page: int, *, size: int = 50) -> Listing: ...


@dataclass(frozen=True, slots=True)
class _Account:
    """What the provider's list showed, when it was asked, and the submissions that it reaches back to."""

    events: tuple[TaskEvent, ...]
    at: datetime
    looked_for: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Stock:
    """What is still to be looked for, and what became of the rest."""

    at: datetime
    lost: tuple[Submission, ...]
    changed: tuple[Submission, ...]


class Finder:
    """One of it is enough at a time; `tell` hears what became of each submission, once that is durable."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        provider: Lists | None,
        rules: Rules,
        tell: Callable[[SubmissionStatus], None],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._catalog = catalog
        self._provider = provider
        self._rules = rules
        self._told = tell
        self._sleep = sleep

    async def run(self) -> None:
        """Look for ever."""
        while True:
            await self.look()
            await self._sleep(LOOK_EVERY)

    async def look(self) -> None:
        """One look at everything that is due."""
        if not await self._catalog.read(lambda tx: tx.submissions.any_to_find()):
            return
        stock = await self._catalog.write(partial(_take_stock, rules=self._rules))
        self._tell(stock.changed)
        if not stock.lost:
            return
        events = await self._listed(min(one.sent_at for one in stock.lost) - CLOCKS_DIFFER)
        if events is not None:
            looked_for = frozenset(one.id for one in stock.lost)
            account = _Account(events, stock.at, looked_for)
            self._tell(await self._catalog.write(partial(_conclude, account=account, rules=self._rules)))

    async def _listed(self, since: datetime) -> tuple[TaskEvent, ...] | None:
        """The account's tasks back to a time; None where they cannot be had whole."""
        if self._provider is None:
            return None
        events: list[TaskEvent] = []
        for page in range(1, MOST_PAGES + 1):
            listing = await self._provider.list_page(page)
            if not isinstance(listing, Listed):
                return None
            events += listing.events
            if not listing.more or _reaches_behind(listing.events, since):
                return tuple(events)
        return None

    def _tell(self, changed: Sequence[Submission]) -> None:
        for one in changed:
            log.warning(f"submission_{one.status.value}", submission=one.id, task_id=one.task_id, reason=one.detail)
            self._told(one.status)


def _take_stock(tx: Transaction, *, rules: Rules) -> _Stock:
    """Note which processes died, adopt what callbacks brought, and give up what is too old."""
    changed = [lost_sight_of(tx, one, _DIED) for one in tx.submissions.lapsed(TOGETHER)]
    due = tx.submissions.due(TOGETHER)
    heard = tx.submissions.heard_of([one.token_id for one in due if one.token_id is not None])
    lost = []
    for one in due:
        if one.token_id in heard:
            changed.append(adopt(tx, one, task_id=heard[one.token_id], status=SubmissionStatus.FOUND, rules=rules))
        elif tx.now - one.sent_at > rules.horizon:
            changed.append(given_up(tx, one, _GIVEN_UP))
        else:
            lost.append(looked_for_again(tx, one))
    return _Stock(tx.now, tuple(lost), tuple(changed))


def _conclude(tx: Transaction, *, account: _Account, rules: Rules) -> list[Submission]:
    """What the list says of those that are lost; whoever is not among the first hundred could have made any task."""
    unresolved = tx.submissions.unresolved(TOGETHER)
    if len(unresolved) == TOGETHER:
        return []
    heard = tx.submissions.called_back([one.token_id for one in unresolved if one.token_id is not None])
    lost = [
        one
        for one in unresolved
        if one.status is SubmissionStatus.UNCLEAR and one.id in account.looked_for and one.token_id not in heard
    ]  # what was called back waits for the provider's word
    others = [one for one in unresolved if one not in lost]
    claims = tx.submissions.claims([event.task_id for event in account.events])
    unclaimed = [
        Unclaimed(event.task_id, event.model, credible_created(event.created, account.at), event.task_id in claims)
        for event in account.events
        if not claims.get(event.task_id)
    ]
    matched = match(lost, others, unclaimed, now=account.at)
    found = [
        adopt(tx, one, task_id=matched.found[one.id], status=SubmissionStatus.FOUND, rules=rules)
        for one in lost
        if one.id in matched.found
    ]
    undecided = [event for event in account.events if event.task_id in matched.undecided]
    if undecided:
        notice(tx, undecided, rules=rules, since=account.at - rules.horizon, source=lost[0].source)
    gone = sorted((one for one in lost if one.id in matched.never_arrived), key=lambda one: one.day)
    return found + [ended_for_nothing(tx, one, SubmissionStatus.UNSENT, _NEVER) for one in gone]  # sums go last


def _reaches_behind(events: Sequence[TaskEvent], since: datetime) -> bool:
    """Whether all of a page is older; a task without a time keeps the look going."""
    times = [event.created for event in events]
    return bool(times) and all(at is not None and at < since.timestamp() for at in times)
