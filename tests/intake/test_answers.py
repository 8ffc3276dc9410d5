"""The provider's answers, taken in: what each leads to, and that one counts only while the question is ours."""

from dataclasses import replace
from datetime import timedelta

import pytest

from service.domain.asset import AssetReason, AssetStatus
from service.domain.check import FIRST_CHECK
from service.domain.history import Effect
from service.domain.lease import LEASE
from service.domain.rules import ConfirmMode
from service.domain.task import Check, TaskReason, TaskStatus
from service.intake.answers import NobodyToAsk, Result
from service.provider.reading import Reading, Throttled
from tests.support.databases import Databases, on_sqlite
from tests.support.deliveries import LINK, RULES, task_object
from tests.support.ledger import CONFIRMING, MISSING, SILENT, Ledger, found, ledger_in

PATIENCE, HORIZON = CONFIRMING.patience, CONFIRMING.horizon
SECOND = timedelta(seconds=1)
TWO = [LINK, "https://files.evolink.ai/a/1.png"]


async def test_the_providers_word_ends_the_task_confirms_it_and_asks_no_more(ledger: Ledger) -> None:
    await ledger.tell()
    concluded = await ledger.answer(found())
    task = await ledger.task()
    assert (concluded.result, concluded.counted, concluded.wakes) == (Result.TERMINAL, True, True)
    assert (task.status, task.confirmed, task.check) == (TaskStatus.COMPLETED, True, Check())
    assert [entry.effect for entry in await ledger.history()] == [Effect.TOLD, Effect.DECIDED]


@pytest.mark.parametrize("reading", [found(), found("failed"), MISSING, SILENT, Throttled(30), NobodyToAsk()])
@pytest.mark.parametrize("loss", ["cleared", "taken over", "released", "taken in before"])
async def test_an_answer_that_comes_after_its_claim_was_lost_counts_nothing(
    ledger: Ledger, loss: str, reading: Reading | NobodyToAsk
) -> None:
    await ledger.tell()
    ledger.clock.move(seconds=FIRST_CHECK.total_seconds())
    [mine] = await ledger.claim()
    match loss:
        case "cleared":
            await ledger.catalog.write(lambda tx: tx.checks.clear())
        case "taken over":
            ledger.clock.move(seconds=LEASE.total_seconds())
            assert len(await ledger.claim()) == 1
        case "released":
            await ledger.catalog.write(lambda tx: tx.checks.release([mine]))
        case _:
            await ledger.take((mine, found("processing")))
    before, history = await ledger.state(), await ledger.history()
    [concluded] = await ledger.take((mine, reading))
    assert (concluded.counted, concluded.state, concluded.deaths, concluded.wakes) == (False, None, (), False)
    assert (await ledger.state(), await ledger.history()) == (before, history)


async def test_an_answer_under_a_lease_that_ran_out_counts_while_nobody_took_it_over(ledger: Ledger) -> None:
    await ledger.tell()
    ledger.clock.move(hours=1)
    [mine] = await ledger.claim()
    ledger.clock.move(seconds=LEASE.total_seconds() + 1)
    [concluded] = await ledger.take((mine, found()))
    assert concluded.counted


async def test_answers_of_one_batch_stand_each_for_itself(ledger: Ledger) -> None:
    for name in ("task-a", "task-b", "task-c"):
        await ledger.tell(name)
    ledger.clock.move(hours=1)
    one, two, three = await ledger.claim()
    await ledger.catalog.write(lambda tx: tx.checks.release([two]))
    answers = [(claimed, found(task_id=claimed.task_id)) for claimed in (one, two)]
    concluded = await ledger.take(*answers, (three, SILENT))
    assert [one.counted for one in concluded] == [True, False, True]
    assert [one.result for one in concluded] == [Result.TERMINAL, Result.TERMINAL, Result.UNREACHABLE]
    assert [one.task_id for one in await ledger.claim()] == [two.task_id]


async def test_a_hint_that_arrives_while_the_question_is_out_is_asked_about_right_after_the_answer(
    ledger: Ledger,
) -> None:
    await ledger.tell()
    ledger.clock.move(hours=1)
    [mine] = await ledger.claim()
    await ledger.call_back()
    assert await ledger.claim() == []
    await ledger.take((mine, found("processing")))
    assert (await ledger.task()).check.at == ledger.clock.now + 2 * SECOND
    await ledger.answer(found())
    assert (await ledger.task()).confirmed


async def test_a_hint_of_more_images_that_arrives_while_the_question_is_out_keeps_the_asking_up(ledger: Ledger) -> None:
    await ledger.call_back()
    [mine] = await ledger.claim()
    await ledger.call_back(task_object(results=TWO))
    await ledger.take((mine, found()))
    assert (await ledger.task()).check.at is not None
    await ledger.answer(found(results=TWO))
    assert len((await ledger.state()).assets) == 2


@pytest.mark.long
@on_sqlite  # its length lies in what is decided, not in the database
async def test_while_the_key_has_shown_no_task_not_knowing_is_silence_and_gives_nothing_up(
    databases: Databases,
) -> None:
    with ledger_in(databases, replace(CONFIRMING, mode=ConfirmMode.REQUIRED)) as ledger:
        await ledger.call_back()
        answers = await ledger.keep_answering(MISSING, until=2 * HORIZON)
        assert {one.result for one in answers} == {Result.UNREACHABLE}
        task = await ledger.task()
        assert (task.status, task.check.missing_since) == (TaskStatus.PENDING, None)
        assert [entry.effect for entry in await ledger.history()] == [Effect.HINT]


async def test_any_task_that_a_key_shows_proves_it_for_the_others_asked_about_with_it(databases: Databases) -> None:
    with ledger_in(databases) as ledger:
        for name in ("task-a", "task-b"):
            await ledger.tell(name)
        ledger.clock.move(hours=1)
        one, other = await ledger.claim()
        concluded = await ledger.take((one, MISSING), (other, found("processing", task_id=other.task_id)))
        assert [one.result for one in concluded] == [Result.UNKNOWN, Result.NOT_YET]
        ledger.key = "key:evolink:another"
        assert (await ledger.answer(MISSING, one.task_id)).result is Result.UNREACHABLE


async def test_an_unknown_task_is_dead_when_the_patience_is_over_and_not_a_moment_before(ledger: Ledger) -> None:
    await ledger.call_back()
    answers = await ledger.keep_answering(MISSING, until=PATIENCE)
    assert (await ledger.task()).status is TaskStatus.PENDING
    died = await ledger.answer(MISSING)
    task = await ledger.task()
    assert (task.status, task.reason, task.check) == (TaskStatus.DEAD, TaskReason.UNKNOWN_TO_PROVIDER, Check())
    assert task.settled_at == ledger.clock.now == answers[0].state.task.received_at + PATIENCE  # type: ignore[union-attr]
    assert died.deaths == ("unknown_to_provider",)
    effects = [entry.effect for entry in await ledger.history()]
    assert effects == [Effect.HINT, Effect.NOT_YET, Effect.GAVE_UP]


async def test_not_knowing_then_silence_then_not_knowing_is_no_longer_patience(ledger: Ledger) -> None:
    await ledger.call_back()
    for reading in (MISSING, SILENT, MISSING, SILENT, MISSING):
        await ledger.answer(reading)
    assert (await ledger.task()).status is TaskStatus.PENDING
    await ledger.answer(found())
    assert (await ledger.task()).status is TaskStatus.COMPLETED


async def test_a_task_that_is_shown_in_between_is_given_the_whole_patience_again(ledger: Ledger) -> None:
    await ledger.call_back()
    await ledger.keep_answering(MISSING, until=PATIENCE - SECOND)
    await ledger.answer(found("processing"))
    await ledger.keep_answering(MISSING, until=PATIENCE - SECOND)
    assert (await ledger.task()).status is TaskStatus.PROCESSING


@on_sqlite  # its length lies in what is decided, not in the database
async def test_a_task_that_never_finishes_is_dead_and_comes_back_with_its_callback(ledger: Ledger) -> None:
    await ledger.tell()
    await ledger.keep_answering(found("processing"), until=HORIZON)
    died = await ledger.answer(found("processing"))
    assert (died.deaths, (await ledger.task()).reason) == (("never_finished",), TaskReason.NEVER_FINISHED)
    await ledger.call_back()
    concluded = await ledger.answer(found())
    task = await ledger.task()
    assert (task.status, task.reason, task.settled_at) == (TaskStatus.COMPLETED, None, None)
    assert concluded.wakes


@pytest.mark.long
@on_sqlite  # its length lies in what is decided, not in the database
async def test_an_end_that_the_provider_has_told_is_not_taken_back_by_progress_however_long(ledger: Ledger) -> None:
    await ledger.call_back()
    await ledger.answer(found())
    await ledger.call_back(task_object(results=TWO))  # more images than it told of: it is asked again
    await ledger.keep_answering(found("processing"), until=HORIZON + SECOND)
    task = await ledger.task()
    assert (task.status, task.reason, task.confirmed) == (TaskStatus.COMPLETED, None, True)


async def test_completed_without_links_is_not_yet_until_the_patience_is_over(ledger: Ledger) -> None:
    await ledger.tell()
    bare = found(results=[])
    await ledger.answer(bare)
    await ledger.keep_answering(bare, until=PATIENCE - SECOND)
    assert (await ledger.task()).status is TaskStatus.PENDING
    assert [entry.effect for entry in await ledger.history()] == [Effect.TOLD, Effect.NOT_YET]
    await ledger.answer(bare)
    task = await ledger.task()
    assert (task.status, task.reason, task.confirmed) == (TaskStatus.DEAD, TaskReason.NO_LINKS, True)
    assert task.check == Check()


async def test_links_that_show_within_the_patience_are_all_there_is_to_it(ledger: Ledger) -> None:
    await ledger.tell()
    assert (await ledger.answer(found(results=[]))).result is Result.NOT_YET
    assert (await ledger.answer(found())).result is Result.TERMINAL
    assert [asset.links for asset in (await ledger.state()).assets] == [(LINK,)]


async def test_throttling_changes_nothing_but_the_time_of_the_next_question(ledger: Ledger) -> None:
    await ledger.call_back()
    before = await ledger.state()
    answers = await ledger.keep_answering(Throttled(1800), until=HORIZON + PATIENCE)
    assert {one.result for one in answers} == {Result.THROTTLED}
    after = await ledger.state()
    assert replace(after.task, check=before.task.check) == before.task
    assert (after.task.check.asked, after.task.check.silent_since, after.task.check.missing_since) == (0, None, None)


async def test_without_a_key_a_told_task_waits_for_its_callback_until_the_horizon(databases: Databases) -> None:
    with ledger_in(databases, RULES) as ledger:
        await ledger.tell()
        assert await ledger.keep_answering(NobodyToAsk(), until=HORIZON) == []
        died = await ledger.answer(NobodyToAsk())
        assert (died.result, died.deaths) == (Result.UNASKED, ("never_finished",))
        assert (await ledger.call_back()).wakes
        assert (await ledger.task()).status is TaskStatus.COMPLETED


async def test_a_link_to_a_refused_host_is_no_reason_to_wait_nor_to_fetch(ledger: Ledger) -> None:
    await ledger.tell()
    concluded = await ledger.answer(found(results=["https://evil.example/0.png"]))
    [asset] = (await ledger.state()).assets
    assert (asset.status, asset.reason) == (AssetStatus.DEAD, AssetReason.REFUSED_HOST)
    assert not concluded.wakes
