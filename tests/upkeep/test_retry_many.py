"""Trying again all that matches: in small transactions, each refusal told, none taking others with it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from service.catalog.dead import DeadFilter
from service.domain.task import TaskStatus
from service.upkeep.retry_many import TOGETHER, Retried, matching, retry_each
from tests.support.deliveries import RULES, task_object
from tests.support.ledger import CONFIRMING, Ledger, found, ledger_in

BARE, EVIL, WELL, NONE = "task-bare", "task-evil", "task-well", "task-none"


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    """A dead task, a task with a dead image, and one that failed and is confirmed."""
    with ledger_in(tmp_path, RULES) as opened:
        await opened.call_back(task_object(task_id=BARE, results=[]))
        await opened.call_back(task_object(task_id=EVIL, results=["https://evil.example/0.png"]))
        opened.rules = CONFIRMING
        await opened.prove_key()
        await opened.call_back(task_object("failed", WELL))
        await opened.answer(found("failed", task_id=WELL), WELL)
        yield opened


async def retried(ledger: Ledger, *task_ids: str) -> dict[str, str | None]:
    return {one.task_id: one.refused for one in await retry_each(ledger.catalog, task_ids, rules=ledger.rules)}


async def test_what_is_dead_matches_and_what_ended_well_does_not(ledger: Ledger) -> None:
    assert await matching(ledger.catalog, DeadFilter()) == [BARE, EVIL]
    assert await matching(ledger.catalog, DeadFilter(reason="no_links")) == [BARE]


async def test_looking_for_what_matches_tries_nothing(ledger: Ledger) -> None:
    before = await ledger.state(BARE)
    await matching(ledger.catalog, DeadFilter())
    assert await ledger.state(BARE) == before


async def test_each_is_tried_again_or_says_why_not(ledger: Ledger) -> None:
    tried = await retried(ledger, BARE, NONE, WELL, EVIL)
    assert (tried[BARE], tried[EVIL]) == (None, None)
    assert tried[NONE] == "no such task"
    assert tried[WELL] == "nothing of this task is dead or waiting"
    for task_id in (BARE, EVIL):
        assert (await ledger.task(task_id)).check.at == ledger.clock.now


async def test_a_refusal_takes_nothing_that_was_done_with_it(ledger: Ledger) -> None:
    history = await ledger.history(WELL)
    await retried(ledger, BARE, WELL)
    assert (await ledger.task(BARE)).check.at == ledger.clock.now
    assert ((await ledger.task(WELL)).check.at, await ledger.history(WELL)) == (None, history)


async def test_without_a_key_each_says_what_is_missing(ledger: Ledger) -> None:
    ledger.rules = RULES
    tried = await retried(ledger, BARE, EVIL)
    assert all("DARKROOM_EVOLINK__API_KEY" in str(refused) for refused in tried.values())


async def test_many_are_tried_in_turn_with_progress_and_all_come_back(ledger: Ledger) -> None:
    many = [f"task-{n:04}" for n in range(2 * TOGETHER + 1)]
    ledger.rules = RULES
    for task_id in many:
        await ledger.call_back(task_object(task_id=task_id, results=[]))
    seen: list[int] = []
    done = await retry_each(ledger.catalog, many, rules=CONFIRMING, progress=seen.append)
    assert done == [Retried(task_id) for task_id in many]
    assert seen == [TOGETHER, 2 * TOGETHER, 2 * TOGETHER + 1]
    assert {one.task_id for one in await ledger.claim(1000)} == set(many)


async def test_nothing_to_try_is_no_work(ledger: Ledger) -> None:
    assert await retry_each(ledger.catalog, [], rules=CONFIRMING) == []
    assert (await ledger.task(BARE)).status is TaskStatus.DEAD
