"""Sums of money by day and subject: they add up, whoever adds at the same time, and never fall below zero."""

import asyncio
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.catalog.catalog import Catalog, Transaction
from service.catalog.spending import Booked, Sums
from service.domain.budget import Reserved
from service.domain.subject import ALL, Kind
from tests.support.databases import Databases, on_postgres, on_shared
from tests.support.postgres import rows_of

LEAP, FIRST = date(2024, 2, 29), date(2024, 3, 1)
ALL_OF_IT = (date(2024, 1, 1), date(2024, 12, 30))
TEAM = (ALL, "key:shop", "tag:team=a")
BOOKED = Booked(LEAP, TEAM, charged=700, images=2)


class _Enough(Exception):  # noqa: N818 - no error: nothing more is wanted
    """Takes back what was tried."""


async def spent(catalog: Catalog, subject: str = ALL, first: date = ALL_OF_IT[0], last: date = ALL_OF_IT[1]) -> Sums:
    return await catalog.read(lambda tx: tx.spending.spent(subject, first, last))


async def book(catalog: Catalog, booked: Booked | None, task_id: str = "task-1", back: Reserved | None = None) -> None:
    await catalog.write(lambda tx: tx.spending.book(task_id, booked, given_back=back))


async def test_of_nothing_there_is_nothing(catalog: Catalog) -> None:
    assert await spent(catalog) == Sums()
    assert await catalog.read(lambda tx: tx.spending.by_day(ALL, *ALL_OF_IT)) == {}
    assert await catalog.read(lambda tx: tx.spending.by_subject(Kind.TAG, *ALL_OF_IT, 100)) == []
    assert await catalog.read(lambda tx: tx.spending.booked("task-1")) is None


async def test_what_is_reserved_for_some_is_reserved_for_each_until_it_is_given_back(catalog: Catalog) -> None:
    for nano in (5, 10**15):
        await catalog.write(lambda tx, nano=nano: tx.spending.reserve(TEAM, LEAP, nano))  # type: ignore[misc]
    assert [await spent(catalog, subject) for subject in TEAM] == [Sums(reserved=10**15 + 5)] * 3
    assert await spent(catalog, "key:other") == Sums()
    await catalog.write(lambda tx: tx.spending.give_back(TEAM, LEAP, 10**15))
    assert await spent(catalog, "tag:team=a") == Sums(reserved=5)


async def test_a_reservation_that_is_taken_back_with_its_transaction_leaves_nothing(catalog: Catalog) -> None:
    def too_much(tx: Transaction) -> None:
        tx.spending.reserve(TEAM, LEAP, 5)
        assert tx.spending.spent(ALL, LEAP, LEAP).reserved == 5
        raise _Enough

    with suppress(_Enough):
        await catalog.write(too_much)
    assert await spent(catalog) == Sums()


async def test_a_task_is_counted_once_however_often_it_is_booked(catalog: Catalog) -> None:
    for _ in range(3):
        await book(catalog, BOOKED)
    assert await spent(catalog, "key:shop") == Sums(charged=700, tasks=1, images=2)
    assert await catalog.read(lambda tx: tx.spending.booked("task-1")) == BOOKED


async def test_what_changes_later_takes_the_place_of_what_was_counted(catalog: Catalog) -> None:
    await book(catalog, BOOKED)
    await book(catalog, Booked(FIRST, (ALL, "model:m"), charged=650, images=3))
    assert await spent(catalog, "key:shop") == await spent(catalog, ALL, LEAP, LEAP) == Sums()
    assert await spent(catalog) == await spent(catalog, "model:m") == Sums(charged=650, tasks=1, images=3)
    await book(catalog, None)
    assert await spent(catalog) == Sums()
    assert await catalog.read(lambda tx: tx.spending.booked("task-1")) is None


async def test_what_was_reserved_is_given_back_where_it_was_reserved(catalog: Catalog) -> None:
    await catalog.write(lambda tx: tx.spending.reserve((ALL, "key:shop"), LEAP, 900))
    await book(catalog, replace(BOOKED, day=FIRST), back=Reserved((ALL, "key:shop"), LEAP, 900))
    by_day = await catalog.read(lambda tx: tx.spending.by_day(ALL, *ALL_OF_IT))
    assert {day: sums for day, sums in by_day.items() if sums != Sums()} == {FIRST: Sums(0, 700, 1, 2)}


async def test_spans_of_days_include_both_ends_over_the_end_of_a_month(catalog: Catalog) -> None:
    for number in range(-2, 3):
        day = LEAP + timedelta(days=number)
        await book(catalog, Booked(day, TEAM, charged=10 ** (number + 2), images=1), f"task-{number}")
    assert await spent(catalog, ALL, LEAP, LEAP) == Sums(charged=100, tasks=1, images=1)
    assert (await spent(catalog, ALL, LEAP, FIRST)).charged == 1100
    assert (await spent(catalog, ALL, FIRST, FIRST + timedelta(days=40))).charged == 11000
    by_day = await catalog.read(lambda tx: tx.spending.by_day("key:shop", LEAP - timedelta(days=1), FIRST))
    assert [(day, sums.charged) for day, sums in by_day.items()] == [
        (LEAP - timedelta(days=1), 10),
        (LEAP, 100),
        (FIRST, 1000),
    ]


async def test_the_dearest_of_a_kind_come_first_and_no_more_than_were_asked_for(catalog: Catalog) -> None:
    for number, (key, charged) in enumerate((("b", 5), ("a", 5), ("c", 90), ("b", 1), ("d", 0))):
        day = LEAP + timedelta(days=number)
        await book(catalog, Booked(day, (ALL, f"key:{key}", "keys:x", "model:m"), charged, 1), f"task-{number}")
    await catalog.write(lambda tx: tx.spending.reserve(("key:waits",), LEAP, 500))

    async def dearest(most: int, last: date = ALL_OF_IT[1]) -> list[tuple[str, int, int]]:
        found = await catalog.read(lambda tx: tx.spending.by_subject(Kind.KEY, LEAP, last, most))
        return [(subject, sums.charged, sums.tasks) for subject, sums in found]

    assert await dearest(100) == [("key:c", 90, 1), ("key:b", 6, 2), ("key:a", 5, 1), ("key:d", 0, 1)]
    assert await dearest(2) == [("key:c", 90, 1), ("key:b", 6, 2)]
    assert await dearest(100, LEAP) == [("key:b", 5, 1)]


async def test_sums_may_be_larger_than_any_number_of_four_bytes(catalog: Catalog) -> None:
    for number in range(4):
        await book(catalog, Booked(LEAP, TEAM, 2 * 10**18, 1), f"task-{number}")
    assert (await spent(catalog)).charged == 8 * 10**18


SUBJECTS = ("all", "key:a", "key:b", "model:m", "tag:t=1")
PLACES = st.tuples(st.sets(st.sampled_from(SUBJECTS)).map(tuple), st.sampled_from((LEAP, FIRST)))
BOOKINGS = st.builds(
    lambda where, charged, images: Booked(where[1], where[0], charged, images),
    PLACES,
    st.integers(0, 10**12),
    st.integers(0, 10),
)
STEPS = st.lists(st.tuples(st.sampled_from(("task-1", "task-2", "task-3")), st.none() | BOOKINGS), max_size=12)
HELD = st.lists(
    st.builds(lambda where, nano: Reserved(where[0], where[1], nano), PLACES, st.integers(1, 10**12)), max_size=4
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(steps=STEPS, held=HELD, kept=HELD)
async def test_any_history_of_bookings_and_reservations_ends_with_the_sums_of_what_is_left(
    catalog: Catalog, steps: list[tuple[str, Booked | None]], held: list[Reserved], kept: list[Reserved]
) -> None:
    def play(tx: Transaction) -> None:
        for one in (*held, *kept):
            tx.spending.reserve(one.subjects, one.day, one.nano)
        to_give_back = list(held)
        for task_id, booked in steps:
            tx.spending.book(task_id, booked, given_back=to_give_back.pop() if to_give_back else None)
            assert tx.spending.booked(task_id) == booked
        left = [one for one in dict(steps).values() if one is not None]
        for subject in SUBJECTS:
            for day in (LEAP, FIRST):
                assert tx.spending.spent(subject, day, day) == naive(subject, day, left, [*to_give_back, *kept])
        raise _Enough  # so that the next example begins with nothing

    with suppress(_Enough):
        await catalog.write(play)


def naive(subject: str, day: date, booked: Sequence[Booked], held: Sequence[Reserved]) -> Sums:
    here = [one for one in booked if one.day == day and subject in one.subjects]
    reserved = sum(one.nano for one in held if one.day == day and subject in one.subjects)
    return Sums(reserved, sum(one.charged for one in here), len(here), sum(one.images for one in here))


@contextmanager
def two_on(where: Path | str) -> Iterator[tuple[Catalog, Catalog]]:
    """Two processes on one database."""
    pair = (Catalog(where), Catalog(where))
    for one in pair:
        one.open()
    yield pair
    for one in pair:
        one.close()


@on_postgres
async def test_two_processes_that_add_for_the_same_subjects_lose_nothing_and_never_wait_for_each_other(
    databases: Databases,
) -> None:
    url, order = str(databases.new()), random.Random(7)

    async def add(catalog: Catalog, number: int) -> None:
        mine, yours = (tuple(order.sample(SUBJECTS, len(SUBJECTS))) for _ in range(2))
        day, other_day = (LEAP, FIRST) if number % 3 else (FIRST, LEAP)
        await catalog.write(lambda tx: tx.spending.reserve(mine, day, 3))
        await book(catalog, Booked(other_day, yours, 2, 1), f"task-{number}", Reserved(mine, day, 3))

    with two_on(url) as pair:
        await asyncio.gather(*(add(pair[number % 2], number) for number in range(100)))
        assert [await spent(pair[0], subject) for subject in SUBJECTS] == [Sums(0, 200, 100, 100)] * len(SUBJECTS)
    assert rows_of(url, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()") == [(0,)]


@on_shared
async def test_two_processes_that_book_the_same_task_count_it_once(databases: Databases) -> None:
    with two_on(databases.new()) as pair:
        for number in range(10):
            both = (replace(BOOKED, charged=charged) for charged in (1, 2, 1, 2))
            await asyncio.gather(*(book(pair[n % 2], one, f"task-{number}") for n, one in enumerate(both)))
        booked = [await pair[0].read(partial(_booked, task_id=f"task-{number}")) for number in range(10)]
        assert await spent(pair[0]) == Sums(0, sum(booked), 10, 20)


def _booked(tx: Transaction, *, task_id: str) -> int:
    booked = tx.spending.booked(task_id)
    assert booked is not None
    return booked.charged
