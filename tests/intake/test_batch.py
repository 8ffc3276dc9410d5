"""One transaction for a batch: dedup, verdicts, owners."""

from functools import partial

from service.catalog.catalog import Catalog
from service.catalog.tasks import TaskState
from service.domain.asset import AssetStatus
from service.domain.callback import Verdict
from service.domain.rules import ConfirmMode, Rules
from service.domain.task import TaskStatus
from service.intake.batch import Answer, Delivery, Taken, take_in
from tests.support.deliveries import LINK, RULES, TASK, delivery, task_object, token

CONFIRMING = Rules(RULES.link_lifetime, RULES.allowed_hosts, ConfirmMode.PREFERRED, can_ask=True)


async def take(catalog: Catalog, *deliveries: Delivery, rules: Rules = RULES) -> list[Taken]:
    return await catalog.write(partial(take_in, batch=list(deliveries), rules=rules))


async def state_of(catalog: Catalog, task_id: str = TASK) -> TaskState | None:
    return await catalog.read(lambda tx: tx.tasks.get(task_id))


async def answers(catalog: Catalog, *deliveries: Delivery) -> list[Answer]:
    return [taken.answer for taken in await take(catalog, *deliveries)]


async def test_an_unknown_task_is_welcome_and_its_image_is_due(catalog: Catalog) -> None:
    [taken] = await take(catalog, delivery())
    assert (taken.answer, taken.verdict, taken.wakes) == (Answer.ACCEPTED, Verdict.ACCEPTED, True)
    state = await state_of(catalog)
    assert state is not None
    assert (state.task.status, state.task.token_id, state.task.model) == (TaskStatus.COMPLETED, "tok-1", "gpt-image-2")
    assert [(asset.links, asset.status) for asset in state.assets] == [((LINK,), AssetStatus.PENDING)]


async def test_the_same_body_again_is_a_duplicate_across_and_within_batches(catalog: Catalog) -> None:
    assert await answers(catalog, delivery(), delivery()) == [Answer.ACCEPTED, Answer.DUPLICATE]
    assert await answers(catalog, delivery()) == [Answer.DUPLICATE]
    rows = (await catalog.read(lambda tx: tx.query.callbacks(filters={}, after=None, limit=10))).items
    assert [(row["deliveries"], row["verdict"]) for row in rows] == [(3, "accepted")]
    history = await catalog.read(lambda tx: tx.tasks.history(TASK))
    assert len(history) == 1
    assert history[0].callback_id == rows[0]["id"]


async def test_several_events_of_one_task_in_one_batch_end_as_they_would_one_by_one(catalog: Catalog) -> None:
    batch = [delivery(task_object(status)) for status in ("failed", "completed", "processing")]
    assert await answers(catalog, *batch) == [Answer.ACCEPTED] * 3
    state = await state_of(catalog)
    assert state is not None
    assert state.task.status is TaskStatus.COMPLETED
    assert len(await catalog.read(lambda tx: tx.tasks.history(TASK))) == 3


async def test_an_unreadable_body_is_kept_raw_each_time_and_never_a_duplicate(catalog: Catalog) -> None:
    bad = delivery(b"not json")
    assert await answers(catalog, bad, delivery(), bad) == [Answer.UNREADABLE, Answer.ACCEPTED, Answer.UNREADABLE]
    assert await answers(catalog, bad) == [Answer.UNREADABLE]
    rows = (
        await catalog.read(lambda tx: tx.query.callbacks(filters={"verdict": "unreadable"}, after=None, limit=9))
    ).items
    assert [row["deliveries"] for row in rows] == [3]
    kept = await catalog.read(lambda tx: tx.query.callback(rows[0]["id"]))
    assert kept is not None
    assert kept["body"] == b"not json"


async def test_another_tokens_callback_is_foreign_kept_and_changes_nothing(catalog: Catalog) -> None:
    await take(catalog, delivery(task_object("processing")))
    [taken] = await take(catalog, delivery(task_object("completed"), through=token("leaked")))
    assert (taken.answer, taken.verdict) == (Answer.ACCEPTED, Verdict.FOREIGN)
    state = await state_of(catalog)
    assert state is not None
    assert (state.task.status, state.assets) == (TaskStatus.PROCESSING, ())


async def test_a_body_that_came_first_through_a_wrong_token_is_not_suppressed_through_the_right_one(
    catalog: Catalog,
) -> None:
    await take(catalog, delivery(task_object("processing")))
    completed = task_object("completed")
    assert await answers(catalog, delivery(completed, through=token("leaked"))) == [Answer.ACCEPTED]
    assert await answers(catalog, delivery(completed)) == [Answer.ACCEPTED]
    state = await state_of(catalog)
    assert state is not None
    assert state.task.status is TaskStatus.COMPLETED
    rows = (
        await catalog.read(lambda tx: tx.query.callbacks(filters={"verdict": "foreign"}, after=None, limit=9))
    ).items
    assert rows == []


async def test_both_orders_within_one_batch_end_the_same(catalog: Catalog) -> None:
    await take(catalog, delivery(task_object("processing")))
    completed = task_object("completed")
    batch = [delivery(completed, through=token("leaked")), delivery(completed), delivery(completed)]
    assert await answers(catalog, *batch) == [Answer.ACCEPTED, Answer.ACCEPTED, Answer.DUPLICATE]
    state = await state_of(catalog)
    assert state is not None
    assert state.task.status is TaskStatus.COMPLETED


async def test_a_token_minted_for_a_task_speaks_for_it_and_for_no_other(catalog: Catalog) -> None:
    minted = token("minted", task_id=TASK)
    await take(catalog, delivery(task_object("processing"), through=token("first")))
    [own] = await take(catalog, delivery(task_object("completed"), through=minted))
    assert own.verdict is Verdict.ACCEPTED
    [other] = await take(catalog, delivery(task_object("completed", "task-other"), through=minted))
    assert other.verdict is Verdict.FOREIGN
    assert await state_of(catalog, "task-other") is None


async def test_labels_of_the_token_become_the_tasks(catalog: Catalog) -> None:
    await take(catalog, delivery(through=token(ref="order-7", tags={"team": "a"})))
    state = await state_of(catalog)
    assert state is not None
    assert (state.task.ref, state.task.tags) == ("order-7", {"team": "a"})


async def test_where_the_provider_can_be_asked_a_callback_is_only_a_hint(catalog: Catalog) -> None:
    await take(catalog, delivery(), rules=CONFIRMING)
    state = await state_of(catalog)
    assert state is not None
    assert (state.task.status, state.assets) == (TaskStatus.PENDING, ())
    assert state.task.check.at is not None
