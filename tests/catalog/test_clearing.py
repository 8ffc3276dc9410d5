"""Clearing bodies and headers whose time is over, portion by portion."""

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from service.catalog.catalog import Catalog, Transaction
from service.catalog.clearing import Cleared, Place
from service.domain.rules import ConfirmMode, Rules
from service.intake.batch import take_in
from tests.support.deliveries import NOW, RULES, delivery, task_object, token

CONFIRMING = replace(RULES, mode=ConfirmMode.PREFERRED, can_ask=True)
LONG_AFTER = NOW + timedelta(days=100)


async def arrive(
    catalog: Catalog, body: object, *, at: datetime = NOW, rules: Rules = RULES, by: str = "tok-1"
) -> None:
    arrived = replace(delivery(body, through=token(by), at=at), headers={"user-agent": "x"})  # type: ignore[arg-type]
    await catalog.write(partial(take_in, batch=[arrived], rules=rules))


async def clear(catalog: Catalog, before: datetime = LONG_AFTER, *, limit: int = 100) -> int:
    number, place = 0, None
    while True:
        work = partial(_clear, before=before, limit=limit, after=place)
        cleared = await catalog.write(work)
        number, place = number + cleared.number, cleared.next
        if place is None:
            return number


def _clear(tx: Transaction, *, before: datetime, limit: int, after: Place | None) -> Cleared:
    return tx.clearing.clear(before, limit=limit, after=after)


async def cleared_ids(catalog: Catalog) -> list[int]:
    listed = (await catalog.read(lambda tx: tx.query.callbacks(filters={}, after=None, limit=1000))).items
    return sorted(row["id"] for row in listed if row["cleared_at"] is not None)


async def test_the_body_and_headers_of_a_settled_task_go_and_all_else_stays(catalog: Catalog) -> None:
    await arrive(catalog, task_object("failed"))
    before = await catalog.read(lambda tx: tx.query.callback(1))
    assert await clear(catalog) == 1
    after = await catalog.read(lambda tx: tx.query.callback(1))
    assert before is not None
    assert after is not None
    assert (after["body"], after["headers"]) == (None, {})
    gone = {"body", "headers", "cleared_at"}
    assert {name: after[name] for name in after if name not in gone} == {
        name: before[name] for name in before if name not in gone
    }


async def test_what_waits_stays_however_old(catalog: Catalog) -> None:
    await arrive(catalog, task_object("processing", "task-open"))
    await arrive(catalog, task_object("completed", "task-unfetched"))
    await arrive(catalog, task_object("completed", "task-hinted"), rules=CONFIRMING)
    assert await clear(catalog) == 0


async def test_time_counts_from_the_settling_for_the_accepted_and_from_the_receipt_for_the_others(
    catalog: Catalog,
) -> None:
    await arrive(catalog, task_object("processing"), at=NOW)
    await arrive(catalog, task_object("failed"), at=NOW + timedelta(days=10))  # settles it
    await arrive(catalog, b"bad", at=NOW)
    await arrive(catalog, task_object("completed"), at=NOW, by="other")
    assert await clear(catalog, NOW + timedelta(days=5)) == 2
    assert await cleared_ids(catalog) == [3, 4]
    assert await clear(catalog, NOW + timedelta(days=10, seconds=1)) == 2


async def test_a_late_callback_of_a_settled_task_stays_its_own_time(catalog: Catalog) -> None:
    await arrive(catalog, task_object("failed"), at=NOW)
    await arrive(catalog, task_object("processing"), at=NOW + timedelta(days=20))
    assert await clear(catalog, NOW + timedelta(days=10)) == 1
    assert await cleared_ids(catalog) == [1]


async def test_portions_follow_each_other_past_what_has_to_stay(catalog: Catalog) -> None:
    for number in range(30):
        status = "failed" if number % 3 == 0 else "processing"
        await arrive(catalog, task_object(status, f"task-{number:02}"), at=NOW + timedelta(seconds=number // 10))
    assert await clear(catalog, limit=4) == 10
    assert await cleared_ids(catalog) == [number + 1 for number in range(0, 30, 3)]
    assert await clear(catalog, limit=4) == 0


async def test_the_same_body_again_is_counted_and_not_kept_anew(catalog: Catalog) -> None:
    await arrive(catalog, task_object("failed"))
    await clear(catalog)
    await arrive(catalog, task_object("failed"))
    row = await catalog.read(lambda tx: tx.query.callback(1))
    assert row is not None
    assert (row["deliveries"], row["body"]) == (2, None)
