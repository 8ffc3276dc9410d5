"""What is kept of a token that nothing vouches for, and what it touched: as the database has it."""

import sqlite3
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from service.catalog.catalog import Catalog
from service.catalog.tables import STRAY, UNCLEARED, UNPROVEN
from service.catalog.usage import TouchedTask
from service.domain.allowance import MOST_STRAY_BYTES, ROW_BYTES, Spent
from service.domain.rules import ConfirmMode, Rules
from service.intake.batch import take_in
from service.intake.callback_token import CallbackToken
from service.intake.register import Told, register
from tests.support.databases import Databases, on_sqlite
from tests.support.deliveries import RULES, delivery, task_object, token
from tests.support.ledger import MISSING, Ledger, found, ledger_in

CONFIRMING = replace(RULES, mode=ConfirmMode.PREFERRED, can_ask=True)
LEAKED = token("leaked")


async def call_back(
    catalog: Catalog, *bodies: object, through: CallbackToken = LEAKED, rules: Rules = CONFIRMING, full: bool = False
) -> None:
    batch = [delivery(body, through=through) for body in bodies]  # type: ignore[arg-type]
    spent = {through.id: Spent(stray_bytes=MOST_STRAY_BYTES)} if full else {}
    await catalog.write(partial(take_in, batch=batch, rules=rules, spent=spent))


async def spent(catalog: Catalog, token_id: str = "leaked") -> Spent:
    return await catalog.read(lambda tx: tx.usage.spent(token_id))


async def test_unreadable_and_foreign_bodies_count_at_least_a_row_each(catalog: Catalog) -> None:
    await call_back(catalog, task_object("processing"), through=token("owner"))
    await call_back(catalog, b"bad", b"x" * 10_000, task_object("failed"))
    assert await spent(catalog) == Spent(stray_bytes=10_000 + 2 * ROW_BYTES)
    assert await spent(catalog, "owner") == Spent(waiting=1, unproven=2 * ROW_BYTES)


async def test_rows_without_a_body_are_counted_and_take_no_bytes(catalog: Catalog) -> None:
    await call_back(catalog, b"bad", b"worse", full=True)
    assert await spent(catalog) == Spent(stray_rows=2)


async def test_what_the_memory_counts_is_what_the_database_says(catalog: Catalog) -> None:
    bodies = [b"bad", task_object("processing", "task-a"), task_object("completed", "task-b"), b"x" * 9000]
    batch = [delivery(body, through=LEAKED) for body in bodies]  # type: ignore[arg-type]
    taken = await catalog.write(partial(take_in, batch=batch, rules=CONFIRMING))
    total = Spent()
    for one in taken:
        total += one.spent
    assert await spent(catalog) == total


async def test_tasks_that_others_told_of_do_not_count_as_waiting(catalog: Catalog) -> None:
    await catalog.write(partial(register, told=Told("task-before"), rules=CONFIRMING))
    await call_back(catalog, *(task_object("processing", f"task-{name}") for name in ("before", "after", "alone")))
    await catalog.write(partial(register, told=Told("task-after", prompt="a cat"), rules=CONFIRMING))
    assert (await spent(catalog)).waiting == 1


async def test_a_confirmed_task_counts_no_more_and_one_that_is_unknown_to_the_provider_by_its_bytes(
    databases: Databases,
) -> None:
    with ledger_in(databases) as ledger:
        await ledger.prove_key()
        for task_id in ("task-real", "task-fake"):
            await ledger.call_back(task_object(task_id=task_id), through=LEAKED)
        assert (await spent(ledger.catalog)).waiting == 2
        await ledger.answer(found(task_id="task-real"), "task-real")
        await give_up(ledger, "task-fake")
        assert await spent(ledger.catalog) == Spent(unproven=2 * ROW_BYTES)


async def give_up(ledger: Ledger, task_id: str) -> None:
    while (await ledger.task(task_id)).check.at is not None:
        await ledger.answer(MISSING, task_id)


async def test_touched_are_the_tasks_that_a_tokens_callbacks_named_the_latest_first(catalog: Catalog) -> None:
    await call_back(catalog, task_object("processing", "task-others"), through=token("owner"))
    await call_back(catalog, *(task_object("failed", f"task-{number}") for number in range(5)), rules=RULES)
    await call_back(catalog, b"bad", task_object("failed", "task-others"), task_object("processing", "task-0"))
    touched = await catalog.read(lambda tx: tx.usage.touched("leaked", most=3))
    assert touched.total == 6
    assert touched.tasks == (
        TouchedTask("task-0", "failed", False),
        TouchedTask("task-others", "pending", False),
        TouchedTask("task-4", "failed", False),
    )


async def test_a_name_that_no_task_came_of_is_told_without_a_status(catalog: Catalog) -> None:
    await call_back(catalog, task_object(task_id="task-other"), through=token("bound", task_id="task-own"), rules=RULES)
    touched = await catalog.read(lambda tx: tx.usage.touched("bound"))
    assert touched.tasks == (TouchedTask("task-other", None, False),)


async def test_a_token_that_nobody_used_has_spent_and_touched_nothing(catalog: Catalog) -> None:
    assert await spent(catalog, "unused") == Spent()
    assert (await catalog.read(lambda tx: tx.usage.touched("unused"))).total == 0


@on_sqlite
@pytest.mark.parametrize(
    ("query", "index"),
    [
        (f"SELECT sum(length(body)) FROM callbacks WHERE token_id = 'x' AND {STRAY}", "ix_callbacks_stray"),
        (f"SELECT count(*), sum(named_bytes) FROM tasks WHERE named_by = 'x' AND {UNPROVEN}", "ix_tasks_unproven"),
        ("SELECT task_id, max(id) FROM callbacks WHERE token_id = 'x' GROUP BY task_id", "ix_callbacks_token_id"),
        (
            f"SELECT id FROM callbacks WHERE {UNCLEARED} AND received_at < 'x' ORDER BY received_at, id LIMIT 9",
            "ix_callbacks_uncleared",
        ),
    ],
)
def test_the_questions_are_answered_by_an_index(catalog: Catalog, tmp_path: Path, query: str, index: str) -> None:
    connection = sqlite3.connect(tmp_path / "darkroom.db")
    plan = " ".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {query}"))
    connection.close()
    assert index in plan
    assert "SORT" not in plan.upper() or "ORDER BY" not in query
