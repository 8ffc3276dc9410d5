"""Looking through the account: how far, when, and what remains to be looked through when it did not work."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from service.background import Nudge
from service.catalog.marks import TAKING_IN
from service.domain.task import EventStatus, TaskEvent
from service.provider.reading import Listed, Listing, Throttled, Unreachable, Unsupported
from service.reconcile.sweeper import AFTER_FAILURE, MOST_PAGES, OVERLAP, SWEEP_EVERY, Ended, Sweeper, Swept
from tests.support.deliveries import NOW
from tests.support.fake_provider import FakeProvider, entry, listed
from tests.support.ledger import CONFIRMING, KEY, Ledger, ledger_in

HORIZON = CONFIRMING.horizon
MINUTE = timedelta(minutes=1)
SICK: list[Listing] = [Unreachable("no route"), Throttled(0.01)]


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    with ledger_in(tmp_path) as opened:
        yield opened


def sweeper(ledger: Ledger, provider: FakeProvider, *, key: str = KEY, nudge: Nudge | None = None) -> Sweeper:
    return Sweeper(catalog=ledger.catalog, provider=provider, rules=ledger.rules, key_mark=key, nudge=nudge or Nudge())


@dataclass
class Account:
    """What the provider lists, newest first, two to a page; `sick` answers in place of a page."""

    tasks: dict[str, datetime | None] = field(default_factory=dict)
    sick: dict[int, Listing] = field(default_factory=dict)

    def page(self, number: int) -> Listing:
        if number in self.sick:
            return self.sick[number]
        newest = sorted(self.tasks.items(), key=lambda item: item[1] or NOW, reverse=True)
        some = newest[2 * (number - 1) : 2 * number]
        return listed(*(entry(task_id, created) for task_id, created in some), more=2 * number < len(newest))


async def known(ledger: Ledger) -> set[str]:
    page = await ledger.catalog.read(lambda tx: tx.query.tasks(after=None, limit=200))
    return {task.id for task in page.items}


def aged(*minutes: float) -> dict[str, datetime | None]:
    return {f"task-{age}": NOW - timedelta(minutes=age) for age in minutes}


async def test_every_task_within_the_horizon_is_taken_up_and_asked_about(ledger: Ledger) -> None:
    account = Account(aged(1, 2, 3, 60, 24 * 60))
    provider, nudge = FakeProvider(page=account.page), Nudge()
    swept = await sweeper(ledger, provider, nudge=nudge).sweep()
    assert swept == Swept(Ended.DONE, pages=3, strangers=5)
    assert len(await ledger.claim()) == 5
    assert await nudge.wait(0.01)


async def test_a_page_that_is_older_than_the_window_ends_the_sweep_and_a_mixed_one_does_not(ledger: Ledger) -> None:
    day = 24 * 60
    account = Account(aged(1, day + 1, day + 2, day + 3, day + 4, day + 5))
    provider = FakeProvider(page=account.page)
    assert (await sweeper(ledger, provider).sweep()).pages == 2
    assert await known(ledger) == {"task-1"}


async def test_an_entry_that_does_not_say_when_it_was_created_keeps_the_sweep_going_and_is_taken_up(
    ledger: Ledger,
) -> None:
    pages: list[Listing] = [
        listed(entry("task-timeless", None), entry("task-old", NOW - 9 * HORIZON), more=True),
        listed(more=True),
        listed(entry("task-new", NOW)),
    ]
    swept = await sweeper(ledger, FakeProvider(page=lambda n: pages[n - 1])).sweep()
    assert (swept.ended, swept.pages, await known(ledger)) == (Ended.DONE, 3, {"task-timeless", "task-new"})


@pytest.mark.parametrize(
    "created", [(NOW - MINUTE).timestamp() * 1000, (NOW + 4 * MINUTE).timestamp(), (NOW + HORIZON).timestamp(), -1.0]
)
async def test_created_in_milliseconds_or_at_an_impossible_time_is_taken_up_all_the_same(
    ledger: Ledger, created: float
) -> None:
    odd = TaskEvent("task-odd", EventStatus.COMPLETED, "completed", created=created)
    await sweeper(ledger, FakeProvider(page=lambda _: listed(odd))).sweep()
    assert await known(ledger) == {"task-odd"}


async def test_the_next_sweep_begins_a_little_before_the_last_one_began(ledger: Ledger) -> None:
    account = Account(aged(1))
    await sweeper(ledger, FakeProvider(page=account.page)).sweep()
    ledger.clock.move(hours=1)
    account.tasks["task-late"] = NOW - OVERLAP
    account.tasks["task-too-late"] = NOW - OVERLAP - timedelta(seconds=1)
    assert (await sweeper(ledger, FakeProvider(page=account.page)).sweep()).strangers == 1
    assert "task-late" in await known(ledger)


async def test_after_a_long_time_away_a_sweep_goes_back_to_the_horizon_and_no_further(ledger: Ledger) -> None:
    await sweeper(ledger, FakeProvider(page=Account().page)).sweep()
    ledger.clock.move(days=5)
    back = ledger.clock.now - HORIZON
    account = Account({"task-in": back, "task-out": back - timedelta(seconds=1)})
    await sweeper(ledger, FakeProvider(page=account.page)).sweep()
    assert await known(ledger) == {"task-in"}


@pytest.mark.parametrize("sick", SICK)
async def test_a_sweep_that_breaks_off_keeps_what_it_found_and_begins_again_where_it_began(
    ledger: Ledger, sick: Listing
) -> None:
    account, nudge = Account(aged(1, 2, 3, 4, 5), {2: sick}), Nudge()
    broken = await sweeper(ledger, FakeProvider(page=account.page), nudge=nudge).sweep()
    assert (broken.ended, broken.pages, broken.strangers) == (Ended.UNREACHABLE, 2, 2)
    assert broken.detail
    assert await nudge.wait(0.01)
    ledger.clock.move(hours=3)
    account.sick.clear()
    assert (await sweeper(ledger, FakeProvider(page=account.page)).sweep()).strangers == 3


async def test_without_a_list_nothing_is_marked_as_looked_through(ledger: Ledger) -> None:
    swept = await sweeper(ledger, FakeProvider(page=lambda _: Unsupported())).sweep()
    assert swept.ended is Ended.UNSUPPORTED
    ledger.clock.move(hours=3)
    account = Account(aged(1, 2))
    assert (await sweeper(ledger, FakeProvider(page=account.page)).sweep()).strangers == 2


@pytest.mark.long
async def test_a_list_without_end_ends_and_says_so(ledger: Ledger) -> None:
    provider = FakeProvider(page=lambda n: Listed((entry(f"task-{n:04}", NOW),), more=True))
    swept = await sweeper(ledger, provider).sweep()
    assert (swept.pages, len(provider.pages)) == (MOST_PAGES, MOST_PAGES)
    assert swept.detail is not None
    assert "longer" in swept.detail


async def test_a_list_that_shows_a_task_proves_the_key_and_an_empty_one_does_not(ledger: Ledger) -> None:
    for tasks, proven in (({}, False), (aged(1), True)):
        await sweeper(ledger, FakeProvider(page=Account(tasks).page)).sweep()
        assert (await ledger.catalog.read(lambda tx: tx.marks.get(KEY)) is not None) is proven


async def test_nobody_is_woken_where_nothing_was_found(ledger: Ledger) -> None:
    nudge = Nudge()
    await sweeper(ledger, FakeProvider(page=Account().page), nudge=nudge).sweep()
    assert not await nudge.wait(0.01)


async def test_the_account_of_another_key_is_looked_through_from_the_horizon_on(ledger: Ledger) -> None:
    """The first key was of the wrong account, whose list is empty; the right one is put in its place."""
    await sweeper(ledger, FakeProvider(page=Account().page), key="key:evolink:wrong").sweep()
    ledger.clock.move(hours=2)
    account = Account(aged(10, 600))
    assert (await sweeper(ledger, FakeProvider(page=account.page), key="key:evolink:right").sweep()).strangers == 2


class OverError(Exception):
    """The time that was to pass has passed."""


@dataclass
class Life:
    """Runs a sweeper for a while beside a process that takes callbacks in, or cannot; says after how many seconds it
    swept. `waits`: it may not sweep."""

    ledger: Ledger
    account: Account = field(default_factory=Account)
    waits: bool = False
    began_again: bool = False
    events: dict[int, Callable[["Life"], None]] = field(default_factory=dict)
    during: Callable[["Life"], None] = lambda _: None
    """Runs while a page is read; `began_again` counts from then on."""
    swept: list[float] = field(default_factory=list)

    async def run(self, *, seconds: int) -> list[float]:
        began = self.ledger.clock.now

        def meanwhile() -> None:
            self.swept.append((self.ledger.clock.now - began).total_seconds())
            self.during(self)

        async def sleep(span: float) -> None:
            self.ledger.clock.move(seconds=span)
            passed = (self.ledger.clock.now - began).total_seconds()
            for at in [at for at in self.events if at <= passed]:
                self.events.pop(at)(self)
            await self.note()
            if passed >= seconds:
                raise OverError

        provider = _Noting(self, page=self.account.page, meanwhile=meanwhile)
        one = Sweeper(
            catalog=self.ledger.catalog,
            provider=provider,
            rules=self.ledger.rules,
            key_mark=KEY,
            nudge=Nudge(),
            sleep=sleep,
        )
        with pytest.raises(OverError):
            await one.run(lambda: not self.waits)
        return self.swept

    async def note(self) -> None:
        """What a process notes that takes callbacks in again."""
        if self.began_again:
            self.began_again = False
            await self.ledger.catalog.write(lambda tx: tx.marks.set(TAKING_IN, tx.now))


class _Noting(FakeProvider):
    def __init__(self, life: Life, **parts: Any) -> None:
        super().__init__(**parts)
        self._life = life

    async def list_page(self, page: int, *, size: int = 50) -> Listing:
        listing = await super().list_page(page, size=size)
        await self._life.note()
        return listing


def ready(life: Life) -> None:
    life.began_again = True


def may(life: Life) -> None:
    life.waits = False


HOUR = int(SWEEP_EVERY.total_seconds())


@pytest.mark.long
async def test_it_sweeps_at_start_and_every_hour(ledger: Ledger) -> None:
    assert await Life(ledger).run(seconds=3 * HOUR) == [0, HOUR, 2 * HOUR]


async def test_it_waits_until_it_may(ledger: Ledger) -> None:
    life = Life(ledger, waits=True, events={60: may})
    assert await life.run(seconds=600) == [60]


async def test_it_sweeps_right_after_every_time_in_which_callbacks_were_lost(ledger: Ledger) -> None:
    life = Life(ledger, events={200: ready, 301: ready})
    assert await life.run(seconds=600) == [0, 200, 302]


async def test_a_failed_sweep_is_tried_again_after_a_minute_until_it_works(ledger: Ledger) -> None:
    life = Life(ledger, Account(sick={1: SICK[0]}), events={150: lambda it: it.account.sick.clear()})
    minute = AFTER_FAILURE.total_seconds()
    assert await life.run(seconds=1000) == [0, minute, 2 * minute, 3 * minute]


async def test_a_lapse_during_a_sweep_is_followed_by_another_sweep(ledger: Ledger) -> None:
    def lapse(life: Life) -> None:
        life.began_again = len(life.swept) == 1

    assert await Life(ledger, during=lapse).run(seconds=600) == [0, 2]


async def test_after_the_clock_was_set_back_a_day_it_does_not_wait_for_a_day(ledger: Ledger) -> None:
    life = Life(ledger, events={60: lambda it: it.ledger.clock.move(days=-1)})
    looks = 0

    def enough(life: Life) -> None:
        nonlocal looks
        looks += 1
        if looks == 2:
            raise OverError

    life.during = enough
    await life.run(seconds=HOUR)
    assert looks == 2
