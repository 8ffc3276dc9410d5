"""What was given up, by filter."""

from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial

import pytest

from service.archive.deletion import delete
from service.catalog.dead import DeadFilter
from service.domain.task import TaskReason
from tests.support.databases import Databases
from tests.support.deliveries import LINK, RULES, task_object, token
from tests.support.ledger import Ledger, ledger_in

EVIL = "https://evil.example/0.png"
ANYTHING = DeadFilter()


@pytest.fixture
async def ledger(databases: Databases) -> AsyncIterator[Ledger]:
    """A dead task, two tasks with a dead image, and some that are well."""
    with ledger_in(databases, RULES) as opened:
        for task_id, members, ref in (
            ("task-well", {}, "shop"),
            ("task-failed", {"status": "failed"}, "shop"),
            ("task-bare", {"results": [], "model": "beta"}, None),
            ("task-evil", {"results": [EVIL]}, "shop"),
            ("task-both", {"results": [LINK, EVIL, f"{EVIL}.png"], "model": "beta"}, "other"),
        ):
            body = {**task_object(task_id=task_id), **members}
            await opened.call_back(body, through=token(f"tok-{task_id}", ref=ref))
            opened.clock.move(minutes=1)
        yield opened


async def dead(ledger: Ledger, wanted: DeadFilter = ANYTHING) -> list[str]:
    return await ledger.catalog.read(lambda tx: tx.dead.tasks(wanted))


async def test_dead_tasks_and_tasks_with_a_dead_image_are_named_once_each_nearest_deadline_first(
    ledger: Ledger,
) -> None:
    assert await dead(ledger) == ["task-bare", "task-evil", "task-both"]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (DeadFilter(reason="no_links"), ["task-bare"]),
        (DeadFilter(reason="refused_host"), ["task-evil", "task-both"]),
        (DeadFilter(reason="link_expired"), []),
        (DeadFilter(ref="shop"), ["task-evil"]),
        (DeadFilter(model="beta"), ["task-bare", "task-both"]),
        (DeadFilter(reason="refused_host", model="beta"), ["task-both"]),
        (DeadFilter(reason="no_links", ref="shop"), []),
        (DeadFilter(ref=""), []),
        (DeadFilter(ref="sho%"), []),
    ],
)
async def test_filters_narrow_what_is_named(ledger: Ledger, wanted: DeadFilter, expected: list[str]) -> None:
    assert await dead(ledger, wanted) == expected


async def test_a_deleted_image_is_no_dead_one(ledger: Ledger) -> None:
    await ledger.catalog.write(partial(delete, task_id="task-evil", index=0))
    assert await dead(ledger) == ["task-bare", "task-both"]


async def test_every_reason_of_a_task_can_be_asked_for(ledger: Ledger) -> None:
    for reason in TaskReason:
        found = await dead(ledger, DeadFilter(reason=reason.value))
        assert found == (["task-bare"] if reason is TaskReason.NO_LINKS else [])


async def test_what_comes_alive_again_is_named_no_more(ledger: Ledger) -> None:
    await ledger.call_back(task_object(task_id="task-bare"), through=token("tok-task-bare"))
    ledger.clock.now += timedelta(hours=1)
    assert "task-bare" not in await dead(ledger)


async def test_what_has_no_deadline_comes_last(ledger: Ledger, databases: Databases) -> None:
    databases.run("UPDATE tasks SET deadline = NULL WHERE id = 'task-evil'")
    assert await dead(ledger) == ["task-bare", "task-both", "task-evil"]
