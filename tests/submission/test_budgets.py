"""Budgets in a database: what they let through, what they refuse, and that nobody slips past together with others."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from service.catalog.catalog import Catalog, Transaction
from service.catalog.spending import Booked, Sums
from service.domain.budget import NANO, Budget, Period, Verdict
from service.submission.budgets import Budgets, BudgetSpent
from tests.support.databases import POSTGRESQL, Databases, databases_for, on_postgres
from tests.support.postgres import rows_of

DOLLAR = NANO
NEW_YEARS_EVE = datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)
TEAM = ("all", "key:shop", "tag:team=a")


@pytest.fixture(params=["sqlite", POSTGRESQL])
def databases(request: pytest.FixtureRequest, tmp_path: Path) -> Databases:
    return databases_for(request, tmp_path)


def budget(
    stop: int | None = 10,
    *,
    warn: int | None = None,
    subject: str = "all",
    per: Period = Period.DAY,
    name: str = "team",
) -> Budget:
    """Of so many dollars."""
    whole, some = (DOLLAR * amount if amount is not None else None for amount in (stop, warn))
    return Budget(name, subject, per, some, whole)


def ask(
    tx: Transaction, *, budgets: Budgets, dollars: int, now: datetime, subjects: Sequence[str] = TEAM
) -> tuple[str, ...]:
    """What a submission does before it is sent."""
    tx.spending.reserve(subjects, now.date(), dollars * DOLLAR)
    return budgets.admit(tx, subjects=subjects, nano=dollars * DOLLAR, now=now)


@dataclass(slots=True)
class Asker:
    """Asks one dollar amount after the other of some budgets; tells how many were let through."""

    catalog: Catalog
    budgets: Budgets
    now: datetime = NEW_YEARS_EVE
    refusals: list[BudgetSpent] = field(default_factory=list)
    warnings: list[tuple[str, ...]] = field(default_factory=list)

    async def ask(self, dollars: int, subjects: Sequence[str] = TEAM) -> bool:
        work = partial(ask, budgets=self.budgets, dollars=dollars, now=self.now, subjects=subjects)
        try:
            self.warnings.append(await self.catalog.write(work))
        except BudgetSpent as refusal:
            self.refusals.append(refusal)
            return False
        return True

    async def sums(self, subject: str = "all") -> Sums:
        year = (date(2026, 1, 1), date(2027, 12, 31))
        return await self.catalog.read(lambda tx: tx.spending.spent(subject, *year))


async def test_what_would_pass_the_stop_is_refused_and_leaves_nothing_behind(catalog: Catalog) -> None:
    asker = Asker(catalog, Budgets([budget(10)]))
    assert [await asker.ask(dollars) for dollars in (6, 5, 4, 1)] == [True, False, True, False]
    assert await asker.sums() == Sums(reserved=10 * DOLLAR)
    assert await asker.sums("tag:team=a") == Sums(reserved=10 * DOLLAR)


async def test_a_refusal_tells_which_budget_how_much_and_until_when(catalog: Catalog) -> None:
    asker = Asker(catalog, Budgets([budget(10, per=Period.MONTH)]))
    await asker.ask(6)
    await asker.ask(5)
    [refusal] = asker.refusals
    assert (refusal.code, refusal.asked, refusal.use.spent) == ("budget_spent", 5 * DOLLAR, 6 * DOLLAR)
    assert (refusal.use.since, refusal.use.begins_anew) == (date(2026, 12, 1), date(2027, 1, 1))
    assert str(refusal) == (
        "the budget team of 10 USD a month has 6 USD spent, and this may cost 5 USD; it begins anew on 2027-01-01 (UTC)"
    )


async def test_only_the_budgets_of_who_asks_count(catalog: Catalog) -> None:
    asker = Asker(catalog, Budgets([budget(1, subject="key:other"), budget(5, subject="key:shop")]))
    assert [await asker.ask(dollars) for dollars in (4, 2)] == [True, False]
    assert await asker.ask(1, ("all", "key:other"))
    assert not await asker.ask(1, ("all", "key:other"))
    assert await asker.ask(100, ("all",))


async def test_each_of_several_budgets_can_stop_it(catalog: Catalog) -> None:
    budgets = [budget(4, name="day"), budget(6, name="month", per=Period.MONTH)]
    asker = Asker(catalog, Budgets(budgets), now=NEW_YEARS_EVE - timedelta(days=1))
    assert [await asker.ask(dollars) for dollars in (4, 1)] == [True, False]
    asker.now = NEW_YEARS_EVE
    assert [await asker.ask(dollars) for dollars in (2, 1)] == [True, False]
    assert [refusal.use.budget.name for refusal in asker.refusals] == ["day", "month"]
    asker.now += timedelta(seconds=1)
    assert [await asker.ask(dollars) for dollars in (4, 1)] == [True, False]


async def test_what_was_charged_counts_with_what_is_reserved(catalog: Catalog) -> None:
    asker = Asker(catalog, Budgets([budget(10)]))
    booked = Booked(NEW_YEARS_EVE.date(), TEAM, charged=7 * DOLLAR, images=1)
    await catalog.write(lambda tx: tx.spending.book("task-1", booked))
    assert [await asker.ask(dollars) for dollars in (4, 3)] == [False, True]


async def test_what_has_no_known_price_is_let_through_until_all_is_spent(catalog: Catalog) -> None:
    asker = Asker(catalog, Budgets([budget(10)]))
    assert [await asker.ask(dollars) for dollars in (0, 9, 0, 1, 0)] == [True, True, True, True, False]


async def test_a_warning_is_told_with_what_was_let_through(catalog: Catalog) -> None:
    asker = Asker(catalog, Budgets([budget(10, warn=8), budget(None, warn=9, name="soft", per=Period.MONTH)]))
    assert [await asker.ask(dollars) for dollars in (7, 1, 1, 2)] == [True, True, True, False]
    team = "the budget team has {} USD of 10 USD spent this day"
    soft = "the budget soft has 9 USD spent this month"
    assert asker.warnings == [(), (team.format(8),), (team.format(9), soft)]


async def test_how_budgets_stand_is_told_of_each(catalog: Catalog) -> None:
    budgets = Budgets([budget(10, warn=4), budget(5), budget(100, per=Period.MONTH), budget(1, subject="key:other")])
    asker = Asker(catalog, budgets)
    await asker.ask(5)
    uses = await catalog.read(lambda tx: budgets.look(tx, NEW_YEARS_EVE.date()))
    assert [use.verdict() for use in uses] == [Verdict.WARNED, Verdict.STOPPED, Verdict.WITHIN, Verdict.WITHIN]
    assert [use.reserved for use in uses] == [5 * DOLLAR] * 3 + [0]


@contextmanager
def askers(where: Path | str, budgets: Budgets, *at: datetime) -> Iterator[list[Asker]]:
    """Processes on one database, each with the time that it is."""
    opened = [Asker(Catalog(where), budgets, now) for now in at]
    for one in opened:
        one.catalog.open()
    yield opened
    for one in opened:
        one.catalog.close()


@pytest.mark.parametrize("per", list(Period))
async def test_many_who_ask_at_once_get_what_there_is_and_no_more(databases: Databases, per: Period) -> None:
    budgets = Budgets([budget(100, per=per), budget(50, subject="tag:team=a", per=per)])
    where = databases.new()
    processes = [NEW_YEARS_EVE] * (2 if isinstance(where, str) else 1)
    with askers(where, budgets, *processes) as asking:
        asked = [
            asking[number % len(asking)].ask(7, TEAM if number % 2 else ("key:other", "all")) for number in range(80)
        ]
        let_through = sum(await asyncio.gather(*asked))
        assert let_through == 14
        assert await asking[0].sums() == Sums(reserved=98 * DOLLAR)
        assert (await asking[0].sums("tag:team=a")).reserved <= 49 * DOLLAR


@on_postgres
async def test_who_asks_just_before_and_just_after_midnight_share_what_the_month_has(databases: Databases) -> None:
    """The first has asked, and has not committed yet, when the second asks on the next day, of which nobody knows."""
    url = str(databases.new())
    budgets = Budgets([budget(10, per=Period.MONTH)])
    before, after = datetime(2026, 12, 30, 23, 59, 59, tzinfo=UTC), datetime(2026, 12, 31, tzinfo=UTC)
    has_asked, second_is_done = threading.Event(), threading.Event()

    def first(tx: Transaction) -> None:
        ask(tx, budgets=budgets, dollars=6, now=before)
        has_asked.set()
        wait_until(lambda: second_is_done.is_set() or waiting(url))

    with askers(url, budgets, before, after) as (early, late):
        asking = asyncio.create_task(early.catalog.write(first))
        assert await asyncio.to_thread(has_asked.wait, 10)
        let_through = asyncio.create_task(late.ask(6))
        let_through.add_done_callback(lambda _task: second_is_done.set())
        await asking
        assert not await let_through
        assert await early.sums() == Sums(reserved=6 * DOLLAR)


def waiting(url: str) -> bool:
    """Whether somebody waits for a lock."""
    return rows_of(url, "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted") == [(True,)]


def wait_until(is_so: Callable[[], bool]) -> None:
    until = datetime.now(UTC) + timedelta(seconds=10)
    while not is_so():
        assert datetime.now(UTC) < until, "it never was so"
