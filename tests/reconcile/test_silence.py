"""A provider that says nothing: when that is over, whose silence it is, and that nobody is given up because of it."""

import pytest

from service.domain.task import TaskStatus
from service.provider.reading import HealthState, ProviderHealth
from tests.support.deliveries import task_object
from tests.support.fake_provider import ANSWERING, DOWN, FakeProvider, always, ask_all, asker, complete, told
from tests.support.ledger import SILENT, Ledger

A, B = "task-a", "task-b"


async def due(ledger: Ledger, task_id: str) -> bool:
    at = (await ledger.task(task_id)).check.at
    assert at is not None
    return at <= ledger.clock.now


async def test_the_end_of_a_silence_has_all_asked_again_that_met_it(ledger: Ledger) -> None:
    provider = always(SILENT, health=DOWN)
    reconciler = asker(ledger, provider)
    await told(ledger, A, B)
    await ask_all(reconciler)
    assert not await due(ledger, A)
    provider.health, provider.answer = ANSWERING, complete
    await ledger.call_back(task_object(task_id="task-c"))
    await ask_all(reconciler)
    assert await due(ledger, A)
    assert await due(ledger, B)


async def test_a_provider_that_goes_on_answering_makes_nothing_due_out_of_turn(ledger: Ledger) -> None:
    provider = FakeProvider(lambda task_id: SILENT if task_id == A else complete(task_id), most_at_once=2)
    reconciler = asker(ledger, provider)
    await told(ledger, A, B)
    await ask_all(reconciler)  # its first answers end what may have been a silence: A is due again
    await ask_all(reconciler)
    await ledger.call_back(task_object(task_id="task-c"))
    await ask_all(reconciler)
    assert (await ledger.task("task-c")).status is TaskStatus.COMPLETED
    assert not await due(ledger, A)


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("silent_for", [0.0, 1e6])
async def test_a_callback_is_believed_only_where_the_provider_is_silent_as_a_whole(
    ledger: Ledger, silent_for: float, there: bool
) -> None:
    provider = always(SILENT)
    provider.silent_for, provider.there = silent_for, there
    reconciler = asker(ledger, provider)
    await ledger.call_back(task_object(task_id=A))
    for _ in range(20):
        await ask_all(reconciler)
        ledger.clock.move(minutes=1)
    believed = (await ledger.task(A)).status is TaskStatus.COMPLETED
    assert believed is (silent_for > 0 and not there)


async def test_a_restart_while_the_provider_is_down_gives_no_old_task_up(ledger: Ledger) -> None:
    provider = always(SILENT, health=DOWN)
    provider.silent_for = 1e6
    await told(ledger, A)
    for _ in range(26):
        await ask_all(asker(ledger, provider))
        ledger.clock.move(hours=1)
    assert (await ledger.task(A)).status is TaskStatus.PENDING
    provider.health, provider.silent_for = ProviderHealth(), 0.0  # a new process knows of no silence yet
    await ask_all(asker(ledger, provider))
    assert (await ledger.task(A)).reason is None


async def test_a_bad_answer_right_after_a_long_silence_gives_no_old_task_up(ledger: Ledger) -> None:
    provider = always(SILENT, health=DOWN)
    provider.silent_for = 1e6
    reconciler = asker(ledger, provider)
    await told(ledger, A)
    for _ in range(26):
        await ask_all(reconciler)
        ledger.clock.move(hours=1)
    provider.health, provider.silent_for, provider.there = (
        ANSWERING,
        0.0,
        True,
    )  # back, and busy with everybody's backlog
    await ask_all(reconciler)
    assert (await ledger.task(A)).reason is None


@pytest.mark.parametrize("state", [HealthState.UNTRIED, HealthState.DOWN, HealthState.REFUSED, HealthState.THROTTLING])
async def test_only_a_provider_that_answers_ends_a_silence(ledger: Ledger, state: HealthState) -> None:
    provider = always(SILENT, health=ProviderHealth(state))
    reconciler = asker(ledger, provider)
    await told(ledger, A, B)
    await ask_all(reconciler)
    assert not await due(ledger, A)
    assert not await due(ledger, B)
