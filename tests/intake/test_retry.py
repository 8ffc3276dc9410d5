"""Trying again: what each dead thing becomes, what the provider's next word does, and what there is no use in."""

from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from service.domain.asset import AssetReason, AssetStatus, Stored, archived, failed
from service.domain.attempt import Failed, Failure
from service.domain.history import Effect
from service.domain.image import Image, ImageFormat
from service.domain.rules import Rules
from service.domain.task import Check, TaskReason, TaskStatus
from service.errors import Conflict, NotFound
from service.intake.answers import NobodyToAsk
from service.intake.retry import retry
from service.provider.reading import Reading
from tests.support.databases import Databases
from tests.support.deliveries import LINK, RULES, TASK, task_object
from tests.support.ledger import CONFIRMING, MISSING, SILENT, Ledger, found, ledger_in
from tests.support.trail import SOMEBODY, trail

PATIENCE, HORIZON = CONFIRMING.patience, CONFIRMING.horizon
MINUTE = timedelta(minutes=1)
OTHER = "https://files.evolink.ai/a/1.png"
STORED = Stored("key", "a" * 64, 10, Image(ImageFormat.PNG, 1, 1))


async def again(ledger: Ledger) -> None:
    await ledger.catalog.write(partial(retry, task_id=TASK, rules=ledger.rules), by=SOMEBODY)


async def die(ledger: Ledger, reason: TaskReason) -> None:
    """Have the task given up for a reason."""
    await ledger.call_back(task_object("processing" if reason is TaskReason.NEVER_FINISHED else "completed"))
    if reason is TaskReason.REFUTED:
        await ledger.keep_answering(SILENT, until=PATIENCE + MINUTE)
    last: dict[TaskReason, Reading] = {
        TaskReason.NO_LINKS: found(results=[]),
        TaskReason.NEVER_FINISHED: found("processing"),
    }
    await ledger.keep_answering(last.get(reason, MISSING), until=HORIZON + MINUTE)
    task = await ledger.task()
    assert (task.status, task.reason, task.check) == (TaskStatus.DEAD, reason, Check())


async def given_up(ledger: Ledger, failure: Failure = Failure.TOO_LARGE, *links: str) -> None:
    """Have the task's first image given up, and the others archived."""
    await ledger.call_back(task_object(results=list(links or (LINK,))))
    await ledger.answer(found(results=list(links or (LINK,))))
    state = await ledger.state()
    first, *others = state.assets
    late = replace(first, attempts=40, deadline=ledger.clock.now - timedelta(days=2))
    dead = failed(late, Failed(failure, "why"), tried=first.link, now=ledger.clock.now, jitter=0.5)
    kept = [archived(one, STORED, now=ledger.clock.now) for one in others]
    await ledger.save(state, replace(state, assets=(dead, *kept)))


@pytest.mark.long
@pytest.mark.parametrize("reason", list(TaskReason))
async def test_every_dead_task_is_asked_about_at_once_with_the_whole_patience(
    ledger: Ledger, reason: TaskReason
) -> None:
    await die(ledger, reason)
    before = await ledger.task()
    await again(ledger)
    task = await ledger.task()
    assert task.check == Check(at=ledger.clock.now, since=ledger.clock.now)
    assert task.version > before.version
    assert (await ledger.history())[-1].effect is Effect.RETRIED


@pytest.mark.long
@pytest.mark.parametrize("reason", [TaskReason.UNKNOWN_TO_PROVIDER, TaskReason.NEVER_FINISHED])
async def test_what_was_dead_for_want_of_an_answer_waits_for_one_again(ledger: Ledger, reason: TaskReason) -> None:
    await die(ledger, reason)
    await again(ledger)
    task = await ledger.task()
    assert (task.terminal, task.reason, task.settled_at) == (False, None, None)


async def test_a_task_that_the_provider_did_not_know_waits_for_its_answer_with_the_whole_patience(
    ledger: Ledger,
) -> None:
    await ledger.tell()
    await ledger.keep_answering(MISSING, until=2 * PATIENCE)
    before = await ledger.task()
    assert before.reason is TaskReason.UNKNOWN_TO_PROVIDER
    await again(ledger)
    task = await ledger.task()
    assert (task.status, task.reason, task.settled_at) == (TaskStatus.PENDING, None, None)
    assert task.check == Check(at=ledger.clock.now, since=ledger.clock.now)


async def test_trying_again_is_one_change_and_leaves_a_trail(ledger: Ledger) -> None:
    await given_up(ledger)
    before = await ledger.task()
    await again(ledger)
    assert (await ledger.task()).version == before.version + 1
    entry = (await ledger.history())[-1]
    assert (entry.effect, entry.status, entry.at) == (Effect.RETRIED, "completed", ledger.clock.now)
    assert await trail(ledger.catalog) == [("task.retried", TASK)]


async def test_a_lie_that_was_believed_for_want_of_an_answer_stays_marked(ledger: Ledger) -> None:
    await ledger.call_back(task_object(results=["https://evil.example/0.png"]))
    await ledger.keep_answering(SILENT, until=PATIENCE)
    assert (await ledger.answer(SILENT)).believed
    await ledger.keep_answering(MISSING, until=HORIZON + MINUTE)
    assert (await ledger.task()).reason is TaskReason.REFUTED
    await again(ledger)
    task = await ledger.task()
    assert (task.status, task.reason) == (TaskStatus.DEAD, TaskReason.REFUTED)


@pytest.mark.parametrize("reason", [TaskReason.REFUTED, TaskReason.NO_LINKS])
async def test_what_the_provider_has_said_stands_until_it_says_something_else(
    ledger: Ledger, reason: TaskReason
) -> None:
    await die(ledger, reason)
    await again(ledger)
    task = await ledger.task()
    assert (task.status, task.reason) == (TaskStatus.DEAD, reason)


@pytest.mark.parametrize("reason", list(TaskReason))
async def test_every_dead_task_comes_back_with_its_images(ledger: Ledger, reason: TaskReason) -> None:
    await die(ledger, reason)
    await again(ledger)
    assert (await ledger.answer(found())).wakes
    state = await ledger.state()
    assert (state.task.status, state.task.reason, state.task.conflict) == (TaskStatus.COMPLETED, None, False)
    assert [(one.status, one.reason) for one in state.assets] == [(AssetStatus.PENDING, None)]


@pytest.mark.parametrize("reason", [TaskReason.UNKNOWN_TO_PROVIDER, TaskReason.REFUTED])
async def test_what_is_still_unknown_is_dead_again_after_the_patience_and_not_before(
    ledger: Ledger, reason: TaskReason
) -> None:
    await die(ledger, reason)
    await again(ledger)
    await ledger.keep_answering(MISSING, until=PATIENCE)
    assert (await ledger.task()).check.at is not None
    await ledger.answer(MISSING)
    task = await ledger.task()
    assert (task.status, task.reason, task.check) == (TaskStatus.DEAD, reason, Check())


@pytest.mark.parametrize("reason", list(TaskReason))
async def test_without_a_key_a_dead_task_is_left_alone_and_says_what_is_missing(
    ledger: Ledger, reason: TaskReason
) -> None:
    await die(ledger, reason)
    before, history = await ledger.state(), await ledger.history()
    ledger.rules = RULES
    with pytest.raises(Conflict, match=r"^only the provider can .* set DARKROOM_EVOLINK__API_KEY and retry$") as raised:
        await again(ledger)
    assert raised.value.code == "nobody_to_ask"
    assert (await ledger.state(), await ledger.history()) == (before, history)


@pytest.mark.parametrize("failure", list(Failure))
@pytest.mark.parametrize("rules", [CONFIRMING, RULES])
async def test_every_dead_image_is_tried_again_with_or_without_a_key(
    ledger: Ledger, failure: Failure, rules: Rules
) -> None:
    await given_up(ledger, failure)
    ledger.rules = rules
    await again(ledger)
    state = await ledger.state()
    [asset] = state.assets
    assert (asset.status, asset.attempts, asset.next_attempt_at) == (AssetStatus.PENDING, 0, ledger.clock.now)
    assert state.task.settled_at is None
    assert (state.task.check.at is not None) is rules.can_ask


async def test_what_is_archived_or_deleted_is_left_as_it_is(ledger: Ledger) -> None:
    await given_up(ledger, Failure.TOO_LARGE, LINK, OTHER)
    before = await ledger.state()
    await again(ledger)
    assert (await ledger.state()).assets[1] == before.assets[1]


async def test_an_image_that_waits_is_tried_now(ledger: Ledger) -> None:
    await ledger.call_back()
    await ledger.answer(found())
    state = await ledger.state()
    later = replace(state.assets[0], attempts=7, next_attempt_at=ledger.clock.now + timedelta(minutes=30))
    await ledger.save(state, replace(state, assets=(later,)))
    await again(ledger)
    [asset] = (await ledger.state()).assets
    assert (asset.next_attempt_at, asset.attempts) == (ledger.clock.now, 7)


async def test_a_refuted_image_waits_for_the_providers_word(ledger: Ledger) -> None:
    await ledger.call_back()
    await ledger.keep_answering(SILENT, until=PATIENCE + MINUTE)
    await ledger.answer(found(results=[OTHER]))
    await again(ledger)
    assert (await ledger.state()).assets[0].reason is AssetReason.REFUTED
    await ledger.answer(found(results=[LINK, OTHER]))
    assert [one.reason for one in (await ledger.state()).assets] == [None, None]


async def test_what_is_settled_well_has_nothing_to_retry(ledger: Ledger) -> None:
    await ledger.call_back(task_object("failed"))
    await ledger.answer(found("failed"))
    before, history = await ledger.state(), await ledger.history()
    with pytest.raises(Conflict, match=r"^nothing of this task is dead or waiting$") as raised:
        await again(ledger)
    assert raised.value.code == "nothing_to_retry"
    assert (await ledger.state(), await ledger.history()) == (before, history)


async def test_an_end_that_is_not_confirmed_is_asked_about(ledger: Ledger) -> None:
    ledger.rules = RULES
    await ledger.call_back(task_object("failed"))
    with pytest.raises(Conflict):
        await again(ledger)
    ledger.rules = CONFIRMING
    await again(ledger)
    await ledger.answer(found("failed"))
    assert (await ledger.task()).confirmed


async def test_a_task_that_nobody_knows_is_not_found(ledger: Ledger) -> None:
    with pytest.raises(NotFound, match=r"^no such task$") as raised:
        await again(ledger)
    assert raised.value.code == "task_not_found"


async def test_a_task_that_is_told_without_a_key_waits_and_cannot_be_hastened(databases: Databases) -> None:
    with ledger_in(databases, RULES) as ledger:
        await ledger.tell()
        with pytest.raises(Conflict, match="provider"):
            await again(ledger)
        await ledger.answer(NobodyToAsk())
        with pytest.raises(Conflict, match="provider"):
            await again(ledger)
