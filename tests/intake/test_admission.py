"""A batch against the bounds of its tokens: what is kept, what is refused, and that bounds hold inside of it too."""

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from service.catalog.catalog import Catalog
from service.domain.allowance import (
    MOST_STRAY_BYTES,
    MOST_STRAY_ROWS,
    MOST_UNPROVEN_BYTES,
    MOST_WAITING,
    ROW_BYTES,
    Spent,
)
from service.domain.rules import ConfirmMode, Rules
from service.domain.task import TaskStatus
from service.intake.batch import Answer, Delivery, Taken, take_in
from service.intake.register import Told, register
from tests.support.deliveries import LINK, RULES, TASK, delivery, task_object, token

CONFIRMING = replace(RULES, mode=ConfirmMode.PREFERRED, can_ask=True)
FULL = {"tok-1": Spent(waiting=MOST_WAITING)}
OVER = {"tok-1": Spent(unproven=MOST_UNPROVEN_BYTES)}


async def take(
    catalog: Catalog, *deliveries: Delivery, rules: Rules = CONFIRMING, spent: Mapping[str, Spent] | None = None
) -> list[Taken]:
    return await catalog.write(partial(take_in, batch=deliveries, rules=rules, spent=spent or {}))


async def rows(catalog: Catalog) -> list[tuple[str, int, bool]]:
    """Verdict, size and whether there is a body, of everything in the inbox, oldest first."""
    listed = (await catalog.read(lambda tx: tx.query.callbacks(filters={}, after=None, limit=2000))).items
    found = []
    for row in reversed(listed):
        one = await catalog.read(lambda tx, row=row: tx.query.callback(row["id"]))  # type: ignore[misc]
        assert one is not None
        found.append((one["verdict"], one["bytes"], one["body"] is not None))
    return found


async def test_what_a_callback_costs_is_told_once_for_each_body(catalog: Catalog) -> None:
    bad, good = delivery(b"not json"), delivery(task_object("processing"))
    taken = await take(catalog, bad, good, bad, good)
    stray, named = Spent(stray_bytes=ROW_BYTES), Spent(waiting=1, unproven=2 * ROW_BYTES)
    assert [one.spent for one in taken] == [stray, named, Spent(), Spent()]
    assert [one.spent for one in await take(catalog, bad, good)] == [Spent(), Spent()]


async def test_unreadable_bodies_over_the_bound_leave_their_row_and_then_nothing(catalog: Catalog) -> None:
    near = {"tok-1": Spent(stray_bytes=MOST_STRAY_BYTES - ROW_BYTES, stray_rows=MOST_STRAY_ROWS - 1)}
    taken = await take(catalog, *(delivery(b"bad %d" % number) for number in range(4)), spent=near)
    assert [one.answer for one in taken] == [Answer.UNREADABLE] * 4
    assert [one.spent for one in taken] == [Spent(stray_bytes=ROW_BYTES), Spent(stray_rows=1), Spent(), Spent()]
    assert await rows(catalog) == [("unreadable", 5, True), ("unreadable", 5, False)]


async def test_a_row_without_body_has_no_headers_either(catalog: Catalog) -> None:
    arrived = replace(delivery(b"bad"), headers={"user-agent": "x" * 300})
    await take(catalog, arrived, spent={"tok-1": Spent(stray_bytes=MOST_STRAY_BYTES)})
    row = await catalog.read(lambda tx: tx.query.callback(1))
    assert row is not None
    assert (row["headers"], row["body"], row["body_sha256"]) == ({}, None, arrived.body_sha256)


async def test_foreign_callbacks_over_the_bound_are_still_heard_and_then_refused(catalog: Catalog) -> None:
    await take(catalog, delivery(task_object("processing")))
    stranger = token("leaked")
    for spent, answer, more_rows in (
        (Spent(stray_bytes=MOST_STRAY_BYTES), Answer.ACCEPTED, 1),
        (Spent(stray_bytes=MOST_STRAY_BYTES, stray_rows=MOST_STRAY_ROWS), Answer.LIMITED, 0),
    ):
        before = len(await rows(catalog))
        [taken] = await take(
            catalog, delivery(task_object("failed", n=more_rows), through=stranger), spent={"leaked": spent}
        )
        assert taken.answer is answer
        assert len(await rows(catalog)) == before + more_rows
    assert (await rows(catalog))[1][2] is False


async def test_a_token_whose_hints_wait_names_no_further_task_and_nothing_is_kept_of_it(catalog: Catalog) -> None:
    [taken] = await take(catalog, delivery(), spent=FULL)
    assert (taken.answer, taken.spent) == (Answer.LIMITED, Spent())
    assert await rows(catalog) == []
    assert await catalog.read(lambda tx: tx.tasks.get(TASK)) is None


async def test_the_bound_holds_within_a_batch(catalog: Catalog) -> None:
    batch = [delivery(task_object(task_id=f"task-{number}")) for number in range(5)]
    taken = await take(catalog, *batch, spent={"tok-1": Spent(waiting=MOST_WAITING - 2)})
    assert [one.answer for one in taken] == [Answer.ACCEPTED] * 2 + [Answer.LIMITED] * 3


async def test_tasks_that_are_known_are_heard_of_through_a_full_token_too(catalog: Catalog) -> None:
    await catalog.write(partial(register, told=Told("task-told"), rules=CONFIRMING))
    await take(catalog, delivery(task_object("processing")))
    known = [delivery(task_object("completed", "task-told")), delivery(task_object("completed"))]
    assert [one.answer for one in await take(catalog, *known, spent=FULL)] == [Answer.ACCEPTED] * 2


async def test_other_tokens_of_the_same_batch_are_not_held_back(catalog: Catalog) -> None:
    mixed = [delivery(), delivery(task_object(task_id="task-honest"), through=token("honest"))]
    assert [one.answer for one in await take(catalog, *mixed, spent=FULL)] == [Answer.LIMITED, Answer.ACCEPTED]


async def test_a_foreign_callback_that_names_an_unknown_task_counts_as_naming_it(catalog: Catalog) -> None:
    minted = token("minted", task_id="task-mine")
    [taken] = await take(catalog, delivery(through=minted))
    assert taken.spent == Spent(stray_bytes=ROW_BYTES, waiting=1, unproven=2 * ROW_BYTES)
    assert await catalog.read(lambda tx: tx.usage.spent("minted")) == taken.spent
    full = {"minted": Spent(waiting=MOST_WAITING)}
    [taken] = await take(catalog, delivery(task_object(task_id="task-next"), through=minted), spent=full)
    assert taken.answer is Answer.LIMITED


async def test_a_token_that_was_minted_for_a_task_is_no_stranger_to_it(catalog: Catalog) -> None:
    [taken] = await take(catalog, delivery(through=token("minted", task_id=TASK)))
    assert taken.spent == Spent(waiting=1, unproven=2 * ROW_BYTES)


async def test_who_is_first_in_a_batch_owns_the_task_for_the_rest_of_it(catalog: Catalog) -> None:
    taken = await take(catalog, delivery(task_object("processing")), delivery(through=token("second")))
    assert [one.spent for one in taken] == [
        Spent(waiting=1, unproven=2 * ROW_BYTES),
        Spent(stray_bytes=ROW_BYTES, unproven=ROW_BYTES),
    ]


async def test_a_task_that_a_foreign_callback_named_belongs_to_the_next_in_the_batch(catalog: Catalog) -> None:
    foreign = delivery(task_object("processing"), through=token("minted", task_id="task-mine"))
    taken = await take(catalog, foreign, delivery())
    assert [one.spent for one in taken] == [
        Spent(stray_bytes=ROW_BYTES, waiting=1, unproven=2 * ROW_BYTES),
        Spent(unproven=ROW_BYTES),
    ]


async def test_without_a_key_an_end_is_believed_and_waits_for_nobody(catalog: Catalog) -> None:
    [taken] = await take(catalog, delivery(), rules=RULES, spent=FULL)
    assert (taken.answer, taken.spent) == (Answer.ACCEPTED, Spent())
    [taken] = await take(catalog, delivery(task_object("processing", "task-open")), rules=RULES, spent=FULL)
    assert taken.answer is Answer.LIMITED


async def test_every_further_body_of_what_only_callbacks_told_of_costs_its_size(catalog: Catalog) -> None:
    large = json.dumps(task_object("processing", filler="x" * 3 * ROW_BYTES)).encode()
    await take(catalog, delivery(task_object("processing")))
    taken = await take(catalog, delivery(large), delivery(task_object("completed")))
    assert [one.spent for one in taken] == [Spent(unproven=len(large)), Spent(unproven=ROW_BYTES)]


async def test_an_end_that_is_believed_costs_nothing_more_and_one_without_any_image_does(catalog: Catalog) -> None:
    for task_id, results, cost in (("task-good", [LINK], Spent()), ("task-bad", [], Spent(unproven=ROW_BYTES))):
        await take(catalog, delivery(task_object("completed", task_id, results=results)), rules=RULES)
        again = delivery(task_object("completed", task_id, results=results, n=1))
        [taken] = await take(catalog, again, rules=RULES)
        assert taken.spent == cost
    kept = await catalog.read(lambda tx: tx.usage.spent("tok-1"))
    assert (kept.waiting, kept.unproven > 0) == (0, True)


async def test_over_the_bytes_nothing_is_added_to_what_only_callbacks_told_of_and_all_else_goes_on(
    catalog: Catalog,
) -> None:
    await catalog.write(partial(register, told=Told("task-told"), rules=CONFIRMING))
    await take(catalog, delivery(task_object("processing")))
    batch = [delivery(task_object("completed")), delivery(task_object("completed", "task-told"))]
    assert [one.answer for one in await take(catalog, *batch, spent=OVER)] == [Answer.LIMITED, Answer.ACCEPTED]
    state = await catalog.read(lambda tx: tx.tasks.get(TASK))
    assert state is not None
    assert (state.task.status, state.task.check.at is not None) == (TaskStatus.PENDING, True)  # it is asked about


async def test_a_task_has_only_so_many_callbacks_and_its_end_is_among_them(catalog: Catalog) -> None:
    reports = [delivery(task_object("processing", progress=number)) for number in range(400)]
    for start in range(0, 400, 100):
        taken = await take(catalog, *reports[start : start + 100])
        assert {one.answer for one in taken} == {Answer.ACCEPTED}
    await take(catalog, delivery(task_object("completed")))
    found = await rows(catalog)
    assert len(found) == 256
    assert sum(has_body for _, _, has_body in found) == 64
    assert found[-1][2]
    state = await catalog.read(lambda tx: tx.tasks.get(TASK))
    assert state is not None
    assert state.task.callback_rank.name == "COMPLETED"
    history = await catalog.read(lambda tx: tx.tasks.history(TASK))
    assert history[-1].status == "completed"
    assert len(history) == 201  # those that came once there were too many left no entry


async def test_one_tasks_callbacks_take_only_so_many_bytes(catalog: Catalog) -> None:
    for number in range(40):
        large = json.dumps(task_object("failed", filler=f"{number}" + "x" * 200_000)).encode()
        await take(catalog, delivery(large))
    await take(catalog, delivery(task_object("completed")))
    found = await rows(catalog)
    assert len(found) == 41
    assert sum(size for _, size, has_body in found if has_body) <= 1024 * 1024
    assert found[-1][2]
    named = await catalog.read(lambda tx: tx.usage.spent("tok-1"))
    assert named.unproven <= 1024 * 1024 + 42 * ROW_BYTES
