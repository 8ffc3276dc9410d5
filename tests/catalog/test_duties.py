"""Duties: one holder at a time, for as long as the lease lasts."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from service.catalog.catalog import Catalog
from service.domain.lease import LEASE
from tests.support.databases import Databases
from tests.support.ledger import Clock

MOMENT = timedelta(microseconds=1)


@pytest.fixture
def clock() -> Clock:
    return Clock(datetime(2026, 5, 1, tzinfo=UTC))


@pytest.fixture
def catalog(databases: Databases, clock: Clock) -> Iterator[Catalog]:
    opened = Catalog(databases.new(), clock=clock)
    opened.open()
    yield opened
    opened.close()


async def take(catalog: Catalog, holder: str, name: str = "sweep") -> bool:
    return await catalog.write(lambda tx: tx.duties.take(name, holder))


async def test_who_takes_it_first_has_it_alone(catalog: Catalog) -> None:
    assert [await take(catalog, holder) for holder in ("one", "other", "one")] == [True, False, True]
    assert await take(catalog, "other", "retention")


async def test_it_ends_with_its_lease_and_each_taking_renews_it(catalog: Catalog, clock: Clock) -> None:
    await take(catalog, "one")
    clock.now += LEASE - MOMENT
    assert (await take(catalog, "other"), await take(catalog, "one")) == (False, True)
    clock.now += LEASE - MOMENT
    assert not await take(catalog, "other")
    clock.now += MOMENT
    assert (await take(catalog, "other"), await take(catalog, "one")) == (True, False)


async def test_only_its_holder_gives_it_back(catalog: Catalog) -> None:
    await take(catalog, "one")
    await catalog.write(lambda tx: tx.duties.give_back("sweep", "other"))
    assert not await take(catalog, "other")
    await catalog.write(lambda tx: tx.duties.give_back("sweep", "one"))
    assert await take(catalog, "other")


async def test_a_clean_start_forgets_who_had_it(catalog: Catalog) -> None:
    await take(catalog, "one")
    await catalog.write(lambda tx: tx.duties.clear())
    assert await take(catalog, "other")
