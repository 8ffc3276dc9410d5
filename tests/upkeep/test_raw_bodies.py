"""Raw callbacks whose time is over go by themselves, without holding anybody up."""

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from service.catalog.catalog import Catalog
from service.catalog.engine import Priority
from service.intake.batch import take_in
from service.upkeep.raw_bodies import TOGETHER, RawBodies
from tests.support.deliveries import NOW, RULES, delivery, task_object
from tests.support.ledger import ledger_in

DAYS = timedelta(days=90)


async def arrive(catalog: Catalog, number: int) -> None:
    batch = [delivery(task_object("failed", f"task-{one:05}")) for one in range(number)]
    await catalog.write(partial(take_in, batch=batch, rules=RULES))


async def test_nothing_goes_before_its_time_and_all_of_it_then(tmp_path: Path) -> None:
    with ledger_in(tmp_path) as ledger:
        await arrive(ledger.catalog, 3)
        retention = RawBodies(catalog=ledger.catalog, after=DAYS)
        ledger.clock.now = NOW + DAYS
        assert await retention.clear() == 0
        ledger.clock.move(seconds=1)
        assert await retention.clear() == 3
        assert await retention.clear() == 0


async def test_many_go_in_portions_between_which_a_callback_is_taken_in(tmp_path: Path) -> None:
    with ledger_in(tmp_path) as ledger:
        await arrive(ledger.catalog, 5 * TOGETHER)
        ledger.clock.now = NOW + 2 * DAYS
        clearing = asyncio.create_task(RawBodies(catalog=ledger.catalog, after=DAYS).clear())
        await asyncio.sleep(0.01)
        live = delivery(task_object("failed", "task-live"), at=ledger.clock.now)
        await ledger.catalog.write(partial(take_in, batch=[live], rules=RULES), priority=Priority.INTAKE)
        assert not clearing.done()
        assert await clearing == 5 * TOGETHER
        row = await ledger.catalog.read(lambda tx: tx.query.callback(5 * TOGETHER + 1))
        assert row is not None
        assert row["body"] == live.body


async def test_a_clock_that_is_a_year_ahead_clears_a_day_more_with_each_pass_and_no_more(tmp_path: Path) -> None:
    with ledger_in(tmp_path) as ledger:
        retention = RawBodies(catalog=ledger.catalog, after=DAYS)
        assert await retention.clear() == 0
        await arrive(ledger.catalog, 3)
        ledger.clock.move(days=365)
        assert [await retention.clear() for _ in range(80)] == [0] * 80
        ledger.clock.move(days=-365)
        assert await retention.clear() == 0
        ledger.clock.move(days=365)
        assert sum([await retention.clear() for _ in range(92)]) == 3


async def test_a_pass_by_a_clock_that_is_decades_behind_holds_nothing_up(tmp_path: Path) -> None:
    with ledger_in(tmp_path) as ledger:
        retention = RawBodies(catalog=ledger.catalog, after=DAYS)
        ledger.clock.now = NOW + DAYS
        assert await retention.clear() == 0
        ledger.clock.now = datetime(1970, 1, 2, tzinfo=UTC) + DAYS
        assert await retention.clear() == 0
        ledger.clock.now = NOW
        await arrive(ledger.catalog, 3)
        ledger.clock.now = NOW + DAYS + timedelta(seconds=1)
        assert await retention.clear() == 3
