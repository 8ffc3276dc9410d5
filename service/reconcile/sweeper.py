"""Looks through the provider's list of the account for tasks that nobody told us of.

At start, after every window in which a process could not take callbacks in, and once an hour, since a callback can
also be lost on the way to a process that is ready. The list decides nothing: it makes tasks due.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Protocol, assert_never

import structlog

from service.background import Nudge
from service.catalog.catalog import Catalog, Transaction
from service.catalog.marks import TAKING_IN
from service.domain.retry import credible_created
from service.domain.rules import Rules
from service.domain.task import TaskEvent
from service.intake.seen import Noticed, notice
from service.provider.reading import Listed, Listing, Throttled, Unreachable, Unsupported

LOOK_EVERY = 2.0
SWEEP_EVERY = timedelta(hours=1)
AFTER_FAILURE = timedelta(minutes=1)
OVERLAP = timedelta(minutes=5)
"""How far a sweep looks behind the start of the last one: clocks differ."""

MOST_WAITS = 10
"""Times that one page is waited for."""

MOST_PAGES = 400
"""Of 50 tasks each; an account that makes more within the horizon is told so in the log."""

log = structlog.get_logger(__name__)


class Lists(Protocol):
    async def list_page(self, page: int, *, size: int = 50) -> Listing: ...


class Ended(StrEnum):
    """How a sweep ended."""

    DONE = "done"
    UNSUPPORTED = "unsupported"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep found: unknown tasks, and known ones that became due; `detail` says why it did not end well."""

    ended: Ended
    pages: int = 0
    strangers: int = 0
    due: int = 0
    detail: str | None = None


class Sweeper:
    """It remembers by key up to when the account has been looked through: another key may be of another account."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        provider: Lists,
        rules: Rules,
        key_mark: str,
        nudge: Nudge,
        source: str = "evolink",
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._catalog = catalog
        self._provider = provider
        self._rules = rules
        self._key_mark = key_mark
        self._mark = f"swept:{source}:{key_mark}"
        self._nudge = nudge
        self._source = source
        self._sleep = sleep

    async def run(self, may_sweep: Callable[[], bool] = lambda: True) -> None:
        """Sweep whenever there is a reason to, for ever."""
        seen: datetime | None = None
        due: datetime | None = None
        while True:
            now, since = await self._catalog.read(lambda tx: (tx.now, tx.marks.get(TAKING_IN)))
            if may_sweep() and (since != seen or due is None or _is_due(due, now)):
                swept = await self.sweep()
                seen = since
                ended = await self._catalog.read(lambda tx: tx.now)
                due = ended + (AFTER_FAILURE if swept.ended is Ended.UNREACHABLE else SWEEP_EVERY)
            await self._sleep(LOOK_EVERY)

    async def sweep(self) -> Swept:
        """Look through the list once, back to where the last sweep began, and at most to the horizon."""
        began, since = await self._catalog.read(self._window)
        swept = await self._pages(since, began)
        if swept.ended is Ended.DONE:
            await self._catalog.write(lambda tx: tx.marks.set(self._mark, began))
        if swept.strangers or swept.due:
            self._nudge.nudge()
        log.log(
            logging.WARNING if swept.ended is Ended.UNREACHABLE else logging.INFO,
            "account_swept",
            ended=swept.ended.value,
            since=since.isoformat(timespec="seconds"),
            pages=swept.pages,
            strangers=swept.strangers,
            due=swept.due,
            detail=swept.detail,
        )
        return swept

    def _window(self, tx: Transaction) -> tuple[datetime, datetime]:
        earliest = tx.now - self._rules.horizon
        last = tx.marks.get(self._mark)
        if last is None or last > tx.now:  # a clock that was ahead says nothing of what has been looked through
            return tx.now, earliest
        return tx.now, max(earliest, last - OVERLAP)

    async def _pages(self, since: datetime, now: datetime) -> Swept:
        strangers = due = 0
        for page in range(1, MOST_PAGES + 1):
            listing = await self._listed(page)
            match listing:
                case Listed():
                    found = await self._catalog.write(partial(self._notice, events=listing.events, since=since))
                    strangers, due = strangers + found.strangers, due + found.due
                    if not listing.more or _reaches_behind(listing.events, since, now):
                        return Swept(Ended.DONE, page, strangers, due)
                case Unsupported():
                    return Swept(Ended.UNSUPPORTED, page, strangers, due, "the provider has no list of tasks")
                case Unreachable():
                    return Swept(Ended.UNREACHABLE, page, strangers, due, listing.detail)
                case Throttled():
                    return Swept(Ended.UNREACHABLE, page, strangers, due, "the provider asks us to slow down")
                case _:
                    assert_never(listing)
        log.warning("account_too_long", pages=MOST_PAGES)
        return Swept(Ended.DONE, MOST_PAGES, strangers, due, "the list is longer than what is looked through")

    async def _listed(self, page: int) -> Listing:
        """A page; while the provider asks us to slow down, that page is waited for, and no other begun anew."""
        for _ in range(MOST_WAITS):
            listing = await self._provider.list_page(page)
            if not isinstance(listing, Throttled):
                break
            await self._sleep(listing.retry_after)
        return listing

    def _notice(self, tx: Transaction, *, events: Sequence[TaskEvent], since: datetime) -> Noticed:
        if events and tx.marks.get(self._key_mark) is None:
            tx.marks.set(self._key_mark, tx.now)
        return notice(tx, events, rules=self._rules, since=since, source=self._source)


def _is_due(due: datetime, now: datetime) -> bool:
    """Whether the time has come, or lies so far ahead that the clock must have been set back since."""
    return now >= due or due - now > SWEEP_EVERY


def _reaches_behind(events: Sequence[TaskEvent], since: datetime, now: datetime) -> bool:
    """Whether all of a page is older than the window; an entry without a time keeps the sweep going."""
    times = [credible_created(event.created, now) for event in events]
    return bool(times) and all(at is not None and at < since for at in times)
