"""Tasks seen in the provider's list: which are taken up, which are asked about because of it. It decides nothing."""

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from service.domain.check import FIRST_CHECK
from service.domain.history import Effect
from service.domain.task import EventStatus, TaskEvent, TaskReason, TaskStatus
from service.intake.seen import Noticed, notice
from tests.support.deliveries import NOW, TASK, task_object
from tests.support.ledger import CONFIRMING, MISSING, SILENT, Ledger, found

SINCE = NOW - timedelta(hours=1)
MOMENT = timedelta(milliseconds=1)
LISTED = "task-listed"


def entry(
    task_id: str = LISTED, status: EventStatus = EventStatus.COMPLETED, created: datetime | float | None = NOW
) -> TaskEvent:
    seconds = created.timestamp() if isinstance(created, datetime) else created
    return TaskEvent(task_id, status, status.value, model="gpt-image-2", created=seconds)


async def see(ledger: Ledger, *events: TaskEvent, since: datetime = SINCE) -> Noticed:
    return await ledger.catalog.write(
        partial(notice, events=events, rules=ledger.rules, since=since, source="evolink"),
    )


async def known(ledger: Ledger) -> list[str]:
    page = await ledger.catalog.read(lambda tx: tx.query.tasks(after=None, limit=99))
    return sorted(task.id for task in page.items)


async def test_a_stranger_that_has_ended_is_taken_up_and_asked_about_at_once(ledger: Ledger) -> None:
    assert await see(ledger, entry()) == Noticed(strangers=1, due=0)
    task = await ledger.task(LISTED)
    assert (task.status, task.stranger, task.token_id, task.model) == (TaskStatus.PENDING, True, None, "gpt-image-2")
    assert (task.check.at, task.deadline, task.version) == (NOW, NOW + CONFIRMING.link_lifetime, 1)
    assert [one.effect for one in await ledger.history(LISTED)] == [Effect.SEEN]


@pytest.mark.parametrize("status", [EventStatus.PENDING, EventStatus.PROCESSING, EventStatus.UNKNOWN])
async def test_a_stranger_that_runs_is_given_the_time_to_call_back(ledger: Ledger, status: EventStatus) -> None:
    await see(ledger, entry(status=status))
    assert (await ledger.task(LISTED)).check.at == NOW + FIRST_CHECK


@pytest.mark.parametrize("status", list(EventStatus))
async def test_the_list_decides_nothing(ledger: Ledger, status: EventStatus) -> None:
    await ledger.call_back(task_object("processing"))
    before = await ledger.state()
    await see(ledger, entry(TASK, status), entry(LISTED, status))
    for state in (await ledger.state(), await ledger.state(LISTED)):
        assert (state.task.status, state.task.confirmed, state.assets) == (before.task.status, False, ())


@pytest.mark.parametrize(
    ("created", "taken"),
    [
        (SINCE, True),
        (SINCE - MOMENT, False),
        (SINCE.timestamp() * 1000, True),
        ((SINCE - MOMENT).timestamp() * 1000, False),
        (None, True),
        (NOW + timedelta(minutes=4), True),
        (NOW + timedelta(days=9), True),  # cannot be true: as if it did not say
        (0.0, True),
        (-1e300, True),
        (1e300, True),
    ],
)
async def test_what_was_created_before_the_window_is_left_out_and_what_does_not_say_is_not(
    ledger: Ledger, created: datetime | float | None, taken: bool
) -> None:
    assert (await see(ledger, entry(created=created))).strangers == int(taken)
    assert await known(ledger) == [LISTED] * taken


async def test_milliseconds_are_the_same_moment(ledger: Ledger) -> None:
    created = datetime(2026, 5, 1, 11, 30, tzinfo=UTC)
    await see(ledger, entry("task-seconds", created=created), entry("task-millis", created=created.timestamp() * 1000))
    for name in ("task-seconds", "task-millis"):
        task = await ledger.task(name)
        assert (task.created_at, task.deadline) == (created, created + CONFIRMING.link_lifetime)


async def test_seen_again_it_is_no_news_and_leaves_no_trace(ledger: Ledger) -> None:
    await see(ledger, entry(status=EventStatus.PROCESSING))
    before, history = await ledger.state(LISTED), await ledger.history(LISTED)
    assert await see(ledger, entry(status=EventStatus.PROCESSING)) == Noticed(0, 0)
    assert (await ledger.state(LISTED), await ledger.history(LISTED)) == (before, history)


async def test_one_task_twice_on_a_page_is_one(ledger: Ledger) -> None:
    assert await see(ledger, entry(), entry()) == Noticed(strangers=1, due=0)


async def test_a_known_task_that_is_shown_to_have_ended_is_asked_about_now(ledger: Ledger) -> None:
    await ledger.tell()
    assert await see(ledger, entry(TASK)) == Noticed(strangers=0, due=1)
    assert (await ledger.task()).check.at == NOW
    assert await see(ledger, entry(TASK)) == Noticed(0, 0)  # it is due already


async def test_a_known_task_that_runs_or_has_ended_for_us_is_left_alone(ledger: Ledger) -> None:
    await ledger.tell()
    assert await see(ledger, entry(TASK, EventStatus.PROCESSING)) == Noticed(0, 0)
    await ledger.answer(found("failed"))
    assert await see(ledger, entry(TASK)) == Noticed(0, 0)


@pytest.mark.parametrize("status", [EventStatus.COMPLETED, EventStatus.FAILED, EventStatus.PROCESSING])
async def test_a_task_that_was_given_up_as_unknown_and_is_listed_after_all_comes_back(
    ledger: Ledger, status: EventStatus
) -> None:
    await ledger.tell()
    await ledger.keep_answering(MISSING, until=timedelta(hours=1))
    assert (await ledger.task()).reason is TaskReason.UNKNOWN_TO_PROVIDER
    assert await see(ledger, entry(TASK, status, created=ledger.clock.now)) == Noticed(strangers=0, due=1)
    await ledger.answer(found())
    task = await ledger.task()
    assert (task.status, task.reason) == (TaskStatus.COMPLETED, None)


async def test_a_task_that_was_refuted_and_is_listed_after_all_comes_back(ledger: Ledger) -> None:
    await ledger.call_back()
    await ledger.keep_answering(SILENT, until=2 * CONFIRMING.patience)
    await ledger.answer(MISSING)
    await ledger.keep_answering(MISSING, until=2 * CONFIRMING.patience)
    assert (await ledger.task()).reason is TaskReason.REFUTED
    assert (await see(ledger, entry(TASK))).due == 1


async def test_a_task_that_never_finished_comes_back_only_when_it_has_ended(ledger: Ledger) -> None:
    await ledger.tell()
    await ledger.keep_answering(found("processing"), until=CONFIRMING.horizon + timedelta(minutes=1))
    assert (await ledger.task()).reason is TaskReason.NEVER_FINISHED
    assert (await see(ledger, entry(TASK, EventStatus.PROCESSING))).due == 0
    assert (await see(ledger, entry(TASK))).due == 1


async def test_a_task_that_is_completed_without_links_is_not_asked_about_by_every_sweep(ledger: Ledger) -> None:
    await ledger.tell()
    await ledger.keep_answering(found(results=[]), until=timedelta(hours=1))
    assert (await ledger.task()).reason is TaskReason.NO_LINKS
    assert await see(ledger, entry(TASK)) == Noticed(0, 0)


async def test_what_the_list_shows_is_not_given_up_as_unknown_with_the_patience_spent_before(ledger: Ledger) -> None:
    await ledger.tell()
    await ledger.answer(MISSING)
    await ledger.keep_answering(MISSING, until=CONFIRMING.patience - MOMENT)
    assert (await see(ledger, entry(TASK, created=ledger.clock.now))).due == 1
    ledger.clock.move(minutes=1)
    await ledger.answer(MISSING)
    assert (await ledger.task()).status is TaskStatus.PENDING


async def test_what_the_list_shows_is_not_believed_unasked_with_the_silence_of_before(ledger: Ledger) -> None:
    await ledger.call_back()
    await ledger.keep_answering(SILENT, until=CONFIRMING.patience - MOMENT)
    assert (await see(ledger, entry(TASK, created=ledger.clock.now))).due == 1
    ledger.clock.move(minutes=1)
    assert not (await ledger.answer(SILENT)).believed


async def test_a_stranger_that_is_told_of_or_calls_back_is_none_any_more(ledger: Ledger) -> None:
    await see(ledger, entry("task-told"), entry("task-called"))
    await ledger.tell("task-told", ref="mine")
    await ledger.call_back(task_object(task_id="task-called"))
    told, called = await ledger.task("task-told"), await ledger.task("task-called")
    assert (told.stranger, told.ref, called.stranger, called.token_id) == (False, "mine", False, "tok-1")
