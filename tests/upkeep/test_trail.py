"""The audit trail goes when its time is over, and keys so long after their end."""

from datetime import timedelta
from functools import partial
from pathlib import Path

from service.catalog.catalog import Transaction
from service.domain.api_key import Scope
from service.domain.audit import Action, command_of
from service.keys.lives import KeyWish, create, new_secret
from service.upkeep.trail import TOGETHER, TrailRetention
from tests.support.ledger import Ledger, ledger_in

ROOT = command_of("root")
DAYS = timedelta(days=365)


async def note(ledger: Ledger, times: int = 1) -> None:
    def noted(tx: Transaction) -> None:
        for number in range(times):
            tx.audit.note(Action.TASK_TOLD, f"task-{number}")

    await ledger.catalog.write(noted, by=ROOT)


async def test_nothing_goes_before_its_time_and_all_of_it_then_in_portions(tmp_path: Path) -> None:
    with ledger_in(tmp_path) as ledger:
        await note(ledger, TOGETHER + 7)
        retention = TrailRetention(catalog=ledger.catalog, after=DAYS)
        ledger.clock.move(days=365)
        assert await retention.clear() == 0
        ledger.clock.move(seconds=1)
        await note(ledger)
        assert await retention.clear() == TOGETHER + 7
        assert await retention.clear() == 0


async def test_a_key_goes_so_long_after_its_end_and_one_that_never_ends_stays(tmp_path: Path) -> None:
    with ledger_in(tmp_path) as ledger:
        for name, seconds in (("short", 60), ("endless", None)):
            wish = KeyWish(name, frozenset({Scope.READ}), seconds)
            await ledger.catalog.write(partial(create, wish=wish, secret=new_secret(), by=ROOT, setting=()))
        retention = TrailRetention(catalog=ledger.catalog, after=DAYS)
        ledger.clock.move(days=365)
        assert await retention.clear() == 0
        ledger.clock.move(days=1)
        assert await retention.clear() == 1
        left = await ledger.catalog.read(lambda tx: tx.keys.page(after=None, limit=9))
        assert [one.key.name for one in left.items] == ["endless"]


async def test_a_clock_that_is_years_ahead_removes_a_day_more_with_each_pass_and_no_more(tmp_path: Path) -> None:
    with ledger_in(tmp_path) as ledger:
        retention = TrailRetention(catalog=ledger.catalog, after=DAYS)
        assert await retention.clear() == 0
        await note(ledger)
        ledger.clock.move(days=2000)
        assert [await retention.clear() for _ in range(40)] == [0] * 40
