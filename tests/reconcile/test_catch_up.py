"""One round of asking for people and for cron: everything due once, told whether every question was answered."""

from collections.abc import Callable

import pytest

from service.background import Nudge
from service.domain.task import TaskStatus
from service.intake.answers import Result
from service.provider.reading import HealthState, Listing, ProviderHealth, Throttled, Unreachable, Unsupported
from service.reconcile.catch_up import Round, catch_up
from service.reconcile.sweeper import Ended, Sweeper
from tests.support.deliveries import NOW, task_object
from tests.support.fake_provider import DOWN, FakeProvider, asker, complete, entry, listed
from tests.support.ledger import KEY, MISSING, SILENT, Ledger, found

SIX = tuple(f"task-{n}000" for n in range(6))


async def a_round(
    ledger: Ledger, provider: FakeProvider, *, sweeps: bool = False, progress: Callable[[Round], None] = lambda _: None
) -> Round:
    sweeper = Sweeper(catalog=ledger.catalog, provider=provider, rules=ledger.rules, key_mark=KEY, nudge=Nudge())
    return await catch_up(
        catalog=ledger.catalog,
        provider=provider,
        reconciler=asker(ledger, provider),
        sweeper=sweeper if sweeps else None,
        progress=progress,
    )


async def called_back(ledger: Ledger, *task_ids: str) -> None:
    """Hints, each a minute later than the one before; all are due."""
    for task_id in task_ids:
        await ledger.call_back(task_object(task_id=task_id))
        ledger.clock.move(minutes=1)


def asked(provider: FakeProvider) -> list[str]:
    return [task_id for several in provider.asked for task_id in several]


async def test_with_nothing_due_nobody_is_asked_and_all_is_well(ledger: Ledger) -> None:
    provider = FakeProvider()
    await ledger.tell()
    done = await a_round(ledger, provider)
    assert (done.good, dict(done.results), done.left, provider.asked) == (True, {}, 0, [])


@pytest.mark.parametrize("together", [1, 4, 50])
async def test_everything_due_is_asked_about_once_nearest_deadline_first(ledger: Ledger, together: int) -> None:
    provider = FakeProvider(most_at_once=together)
    await called_back(ledger, *SIX)
    done = await a_round(ledger, provider)
    assert (done.good, dict(done.results), done.left) == (True, {"terminal": 6}, 0)
    assert asked(provider) == list(SIX)


@pytest.mark.parametrize("together", [1, 4, 50])
async def test_in_a_long_round_everything_due_is_asked_about_though_the_first_are_due_again(
    ledger: Ledger, together: int
) -> None:
    """Each request takes three seconds, and what has not ended is due again after two."""
    provider = FakeProvider(
        lambda task_id: found("processing", task_id=task_id),
        most_at_once=together,
        meanwhile=lambda: ledger.clock.move(seconds=3),
    )
    await called_back(ledger, *SIX)
    await a_round(ledger, provider)
    assert set(asked(provider)) == set(SIX)


async def test_a_round_in_which_every_question_was_answered_is_good_though_some_are_due_again(ledger: Ledger) -> None:
    provider = FakeProvider(
        lambda task_id: found("processing", task_id=task_id), meanwhile=lambda: ledger.clock.move(seconds=3)
    )
    await called_back(ledger, *SIX[:2])
    done = await a_round(ledger, provider)
    assert (done.good, dict(done.results)) == (True, {"not_yet": 2})


async def test_no_question_is_held_when_the_round_is_over(ledger: Ledger) -> None:
    provider = FakeProvider(
        lambda task_id: found("processing", task_id=task_id),
        most_at_once=4,
        meanwhile=lambda: ledger.clock.move(seconds=3),
    )
    await called_back(ledger, *SIX)
    await a_round(ledger, provider)
    ledger.clock.move(hours=1)
    assert len(await ledger.claim()) == len(SIX)


async def test_it_ends_early_when_the_provider_says_nothing_any_more_and_tells_what_is_left(ledger: Ledger) -> None:
    provider = FakeProvider(lambda _: SILENT, health=DOWN)
    await called_back(ledger, *SIX)
    done = await a_round(ledger, provider)
    assert (done.good, dict(done.results), done.left, done.detail) == (False, {"unreachable": 1}, 5, SILENT.detail)


@pytest.mark.parametrize("reading", [SILENT, Throttled(60)])
async def test_one_question_without_an_answer_is_not_good(ledger: Ledger, reading: Unreachable | Throttled) -> None:
    provider = FakeProvider(lambda task_id: reading if task_id == SIX[1] else complete(task_id))
    await called_back(ledger, *SIX)
    done = await a_round(ledger, provider)
    assert (done.good, done.results["terminal"]) == (False, 5)


async def test_nobody_is_asked_while_the_provider_wants_to_be_left_alone(ledger: Ledger) -> None:
    provider = FakeProvider(pause=30.0, health=ProviderHealth(HealthState.THROTTLING))
    await called_back(ledger, *SIX)
    done = await a_round(ledger, provider)
    assert (done.good, provider.asked, done.left) == (False, [], 6)


async def test_strangers_that_the_account_shows_are_asked_about_in_the_same_round(ledger: Ledger) -> None:
    provider = FakeProvider(page=lambda _: listed(entry("task-stranger", NOW)))
    done = await a_round(ledger, provider, sweeps=True)
    assert done.swept is not None
    assert (done.swept.ended, done.swept.strangers, dict(done.results)) == (Ended.DONE, 1, {"terminal": 1})
    assert (await ledger.task("task-stranger")).status is TaskStatus.COMPLETED


@pytest.mark.parametrize(
    ("page", "good"), [(Unsupported(), True), (Unreachable("no route"), False), (Throttled(0.01), False)]
)
async def test_a_round_is_good_where_there_is_no_list_and_not_where_it_was_not_shown(
    ledger: Ledger, page: Listing, good: bool
) -> None:
    provider = FakeProvider(page=lambda _: page)
    await called_back(ledger, *SIX)
    done = await a_round(ledger, provider, sweeps=True)
    assert (done.good, done.results["terminal"]) == (good, 6)


async def test_tasks_that_are_given_up_are_counted(ledger: Ledger) -> None:
    provider = FakeProvider(lambda _: MISSING)
    await called_back(ledger, *SIX[:2])
    assert (await a_round(ledger, provider)).dead == 0
    ledger.clock.move(hours=1)
    done = await a_round(ledger, provider)
    assert (done.dead, done.results[Result.UNKNOWN.value]) == (2, 2)


async def test_progress_is_told_after_every_answer(ledger: Ledger) -> None:
    seen: list[int] = []
    await called_back(ledger, *SIX)
    await a_round(ledger, FakeProvider(), progress=lambda done: seen.append(done.results.total()))
    assert seen == [1, 2, 3, 4, 5, 6]
