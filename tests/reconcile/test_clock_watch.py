"""The wall clock is set while work waits: nothing sleeps until a time that was wrong, and no patience ends early."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from service.background import Nudge
from service.catalog.catalog import Transaction
from service.domain.check import CONFIRM_LADDER
from service.domain.rules import ConfirmMode
from service.domain.task import TaskStatus
from service.reconcile.clock_watch import ClockWatch
from service.reconcile.sweeper import Ended, Sweeper
from tests.support.deliveries import NOW, task_object
from tests.support.fake_provider import DOWN, FakeProvider, always, ask_all, asker, entry, listed
from tests.support.ledger import KEY, MISSING, REQUIRING, SILENT, Ledger, found, ledger_in

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
PATIENCE = timedelta(minutes=5)


@dataclass(slots=True)
class Clocks:
    """Both clocks of a machine, and the watch that holds one against the other."""

    ledger: Ledger
    watch: ClockWatch
    steady: float = 0.0

    async def pass_time(self, span: timedelta) -> None:
        """Time passes, and the watch looks."""
        self.steady += span.total_seconds()
        self.ledger.clock.now += span
        await self.look()

    async def set_wall(self, span: timedelta) -> None:
        """Somebody sets the wall clock, and the watch looks."""
        self.ledger.clock.now += span
        await self.look()

    async def look(self) -> None:
        await self.watch.write(lambda _: None)


@pytest.fixture
async def clocks(tmp_path: Path) -> AsyncIterator[Clocks]:
    with ledger_in(tmp_path) as ledger:
        await ledger.prove_key()
        made = Clocks(ledger, ClockWatch(ledger.catalog, steady=lambda: made.steady))
        await made.look()
        yield made


async def assets_due(ledger: Ledger) -> int:
    return len(await ledger.catalog.write(lambda tx: tx.work.claim_assets(100)))


def keep_off(after: timedelta) -> Callable[[Transaction], None]:
    """Claim whatever is due, and give it back with a wait."""

    def work(tx: Transaction) -> None:
        for asset in tx.work.claim_assets(100):
            tx.work.release_asset(asset, after=after)
        for sidecar in tx.work.claim_sidecars(100):
            tx.work.release_sidecar(sidecar, after=after)
        tx.checks.release(tx.checks.claim(100), after=after)

    return work


def due(tx: Transaction) -> tuple[int, int, int]:
    """How many assets, sidecars and questions can be claimed."""
    return len(tx.work.claim_assets(9)), len(tx.work.claim_sidecars(9)), len(tx.checks.claim(9))


async def completed(ledger: Ledger) -> None:
    """A task that waits for its image and its sidecar, and one that waits for an answer."""
    ledger.rules = replace(ledger.rules, mode=ConfirmMode.OFF)
    await ledger.call_back(task_object(task_id="task-a"))
    await ledger.tell("task-b")


@pytest.mark.parametrize("ahead", [DAY, HOUR, 2 * MINUTE])
@pytest.mark.parametrize("leased", [True, False], ids=["leased", "planned"])
async def test_what_was_planned_while_the_clock_was_ahead_is_done_when_it_is_right_again(
    clocks: Clocks, ahead: timedelta, leased: bool
) -> None:
    await clocks.set_wall(ahead)
    await completed(clocks.ledger)
    await clocks.pass_time(10 * MINUTE)
    await clocks.ledger.catalog.write(due if leased else keep_off(MINUTE))
    await clocks.set_wall(-ahead)
    await clocks.pass_time(timedelta(seconds=31))  # a lease whose holder is gone ends first
    assert await clocks.ledger.catalog.write(due) == (1, 1, 1)


async def test_time_that_passes_mends_nothing_and_a_step_is_told_once(clocks: Clocks) -> None:
    with capture_logs() as told:
        await clocks.pass_time(HOUR)
        assert told == []
        await clocks.set_wall(-DAY)
        await clocks.pass_time(MINUTE)
    assert [(line["event"], line["seconds"]) for line in told] == [("clock_was_set", -86400)]


async def test_a_step_that_was_noticed_in_a_transaction_that_failed_is_mended_by_the_next_one(clocks: Clocks) -> None:
    def fail(_: Transaction) -> None:
        raise RuntimeError("poison")

    clocks.ledger.clock.now += DAY
    await completed(clocks.ledger)
    await clocks.ledger.catalog.write(keep_off(MINUTE))
    await clocks.look()
    clocks.ledger.clock.now -= DAY
    with pytest.raises(RuntimeError, match="poison"):
        await clocks.watch.write(fail)
    await clocks.look()
    assert (await clocks.ledger.catalog.write(due))[:2] == (1, 1)


async def test_a_task_that_is_being_made_does_not_die_because_the_clock_was_set_a_day_ahead(clocks: Clocks) -> None:
    ledger = clocks.ledger
    reconciler = asker(ledger, always(found("processing")), catalog=clocks.watch)
    await ledger.tell()
    await clocks.pass_time(10 * MINUTE)
    await ask_all(reconciler)
    ledger.clock.now += DAY  # nobody looks before the next question
    await ask_all(reconciler)
    assert (await ledger.task()).status is TaskStatus.PROCESSING
    await clocks.set_wall(-DAY)
    assert (await ledger.task()).check.since == ledger.clock.now


async def test_an_answer_that_was_under_way_when_the_clock_was_set_does_not_end_a_patience(clocks: Clocks) -> None:
    ledger = clocks.ledger
    provider = always(MISSING)
    reconciler = asker(ledger, provider, catalog=clocks.watch)
    await ledger.call_back()
    await ask_all(reconciler)
    await clocks.pass_time(MINUTE)

    def set_ahead() -> None:
        ledger.clock.now += DAY

    provider.meanwhile = set_ahead
    await ask_all(reconciler)
    assert (await ledger.task()).status is not TaskStatus.DEAD


async def test_a_patience_that_began_while_the_clock_was_ahead_ends_when_it_should(clocks: Clocks) -> None:
    ledger = clocks.ledger
    reconciler = asker(ledger, always(MISSING), catalog=clocks.watch)
    await clocks.set_wall(DAY)
    await ledger.call_back()
    await ask_all(reconciler)
    await clocks.set_wall(-DAY)
    await clocks.pass_time(PATIENCE)
    await ask_all(reconciler)
    assert (await ledger.task()).status is TaskStatus.DEAD


async def test_callbacks_are_not_believed_because_the_clock_was_set_ahead(clocks: Clocks) -> None:
    ledger = clocks.ledger
    provider = always(SILENT, DOWN)
    provider.silent_for = DAY.total_seconds()
    reconciler = asker(ledger, provider, catalog=clocks.watch)
    await ledger.call_back()
    await ask_all(reconciler)
    ledger.clock.now += HOUR
    await ask_all(reconciler)
    assert (await ledger.state()).assets == ()
    await clocks.pass_time(PATIENCE + CONFIRM_LADDER[-1])
    await ask_all(reconciler)
    assert len((await ledger.state()).assets) == 1


async def test_the_watch_looks_by_itself(clocks: Clocks) -> None:
    await clocks.set_wall(DAY)
    await completed(clocks.ledger)
    await clocks.ledger.catalog.write(keep_off(MINUTE))
    clocks.ledger.clock.now -= DAY
    running = asyncio.create_task(clocks.watch.run())
    async with asyncio.timeout(10):
        while not await assets_due(clocks.ledger):
            await asyncio.sleep(0.01)
    running.cancel()


async def test_a_sweep_in_a_future_that_was_none_hides_nothing_from_the_next_one(clocks: Clocks) -> None:
    ledger = clocks.ledger
    provider = FakeProvider(page=lambda _: listed(entry("task-lost", NOW - HOUR)))
    sweeper = Sweeper(catalog=ledger.catalog, provider=provider, rules=REQUIRING, key_mark=KEY, nudge=Nudge())
    ledger.clock.now += 2 * DAY
    assert (await sweeper.sweep()).ended is Ended.DONE
    ledger.clock.now -= 2 * DAY
    assert (await sweeper.sweep()).strangers == 1
