"""Leased questions: which come first, who may ask them, and whose answer counts."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from service.catalog.checks import ClaimedCheck
from service.catalog.tasks import TaskState
from service.domain.lease import LEASE
from service.domain.task import Check, Task
from tests.support.databases import Databases
from tests.support.deliveries import NOW
from tests.support.ledger import Ledger, ledger_in

HOUR = timedelta(hours=1)
MOMENT = timedelta(milliseconds=1)


@pytest.fixture
def ledger(databases: Databases) -> Iterator[Ledger]:
    with ledger_in(databases) as opened:
        yield opened


async def keep(
    ledger: Ledger, task_id: str, at: datetime | None = NOW, *, check: Check | None = None, **of: Any
) -> None:
    """Keep a task that is to be asked about then."""
    given = {"deadline": NOW + 24 * HOUR, **of}
    task = Task(id=task_id, source="evolink", received_at=NOW, check=check or Check(at=at), **given)
    await ledger.catalog.write(lambda tx: tx.tasks.save([(None, TaskState(task, ()))]))


async def ids(ledger: Ledger, limit: int = 100) -> list[str]:
    return [one.task_id for one in await ledger.claim(limit)]


async def held(ledger: Ledger, *claimed: ClaimedCheck) -> set[str]:
    return await ledger.catalog.write(lambda tx: tx.checks.held(claimed))


async def test_tasks_that_we_were_told_of_come_before_strangers_and_the_nearest_deadline_first(ledger: Ledger) -> None:
    await keep(ledger, "stranger-soon", deadline=NOW + HOUR, stranger=True)
    await keep(ledger, "told-late", deadline=NOW + 9 * HOUR)
    await keep(ledger, "stranger-late", deadline=NOW + 9 * HOUR, stranger=True)
    await keep(ledger, "told-soon", deadline=NOW + 2 * HOUR)
    assert await ids(ledger, 3) == ["told-soon", "told-late", "stranger-soon"]
    assert await ids(ledger) == ["stranger-late"]


async def test_what_has_no_deadline_is_asked_about_last(ledger: Ledger) -> None:
    await keep(ledger, "told-without", deadline=None)
    await keep(ledger, "told-late", check=Check(at=NOW, asked=2))
    await keep(ledger, "stranger-without", deadline=None, stranger=True)
    await keep(ledger, "stranger", stranger=True)
    assert await ids(ledger) == ["told-late", "stranger", "told-without", "stranger-without"]


async def test_without_a_deadline_and_due_for_equally_long_comes_last(ledger: Ledger) -> None:
    await keep(ledger, "told-without", deadline=None)
    await keep(ledger, "told-soon", deadline=NOW)
    claimed = await ledger.catalog.write(lambda tx: tx.checks.claim(9, longest_first=True))
    assert [one.task_id for one in claimed] == ["told-soon", "told-without"]


async def test_a_first_question_comes_before_later_ones_but_not_a_strangers(ledger: Ledger) -> None:
    await keep(ledger, "told-again", check=Check(at=NOW, asked=1), deadline=NOW + HOUR)
    await keep(ledger, "told-first", deadline=NOW + 9 * HOUR)
    await keep(ledger, "stranger-first", deadline=NOW, stranger=True)
    assert await ids(ledger) == ["told-first", "told-again", "stranger-first"]


async def test_who_has_been_due_for_longest_can_go_first_whoever_it_is(ledger: Ledger) -> None:
    await keep(ledger, "told-soon", NOW - MOMENT, deadline=NOW + HOUR)
    await keep(ledger, "stranger", NOW - HOUR, stranger=True)
    await keep(ledger, "told-late", NOW, deadline=NOW)
    claimed = await ledger.catalog.write(lambda tx: tx.checks.claim(9, longest_first=True))
    assert [one.task_id for one in claimed] == ["stranger", "told-soon", "told-late"]


async def test_what_has_become_due_since_a_moment_is_left_for_later(ledger: Ledger) -> None:
    await keep(ledger, "task-then", NOW)
    await keep(ledger, "task-since", NOW + MOMENT)
    ledger.clock.now += HOUR
    claimed = await ledger.catalog.write(lambda tx: tx.checks.claim(9, due_by=NOW))
    assert [one.task_id for one in claimed] == ["task-then"]
    planned = await ledger.catalog.read(lambda tx: tx.checks.waiting(due_by=NOW))
    assert (planned.planned, planned.due) == (2, 1)


async def test_a_question_is_claimed_at_its_time_and_not_a_moment_before(ledger: Ledger) -> None:
    await keep(ledger, "task-due", NOW)
    await keep(ledger, "task-soon", NOW + MOMENT)
    await keep(ledger, "task-never", None)
    assert await ids(ledger) == ["task-due"]
    ledger.clock.now += MOMENT
    assert await ids(ledger) == ["task-soon"]


async def test_a_question_is_claimed_once_until_its_lease_runs_out(ledger: Ledger) -> None:
    await keep(ledger, "task-a")
    [first] = await ledger.claim()
    ledger.clock.now += LEASE - MOMENT
    assert await ledger.claim() == []
    assert await held(ledger, first) == {"task-a"}
    ledger.clock.now += MOMENT
    [second] = await ledger.claim()
    assert second.claim != first.claim
    assert (await held(ledger, first), await held(ledger, second)) == (set(), {"task-a"})


async def test_a_renewed_lease_is_kept_and_a_lost_one_cannot_be_renewed(ledger: Ledger) -> None:
    await keep(ledger, "task-a")
    [first] = await ledger.claim()
    ledger.clock.now += LEASE - MOMENT
    await ledger.catalog.write(lambda tx: tx.checks.renew([first]))
    ledger.clock.now += LEASE - MOMENT
    assert await ledger.claim() == []
    ledger.clock.now += MOMENT
    [second] = await ledger.claim()
    ledger.clock.now += LEASE
    await ledger.catalog.write(lambda tx: tx.checks.renew([first]))
    assert await held(ledger, second) == {"task-a"}
    assert await ids(ledger) == ["task-a"]


async def test_a_released_question_is_free_at_once_or_after_a_while_whatever_comes_in(ledger: Ledger) -> None:
    await ledger.call_back()
    [first] = await ledger.claim()
    await ledger.catalog.write(lambda tx: tx.checks.release([first]))
    [second] = await ledger.claim()
    await ledger.catalog.write(lambda tx: tx.checks.release([second], after=HOUR))
    await ledger.call_back(b'{"id": "task-unified-1756800000-abcd", "status": "failed"}')
    ledger.clock.now += HOUR - MOMENT
    assert await ledger.claim() == []
    ledger.clock.now += MOMENT
    assert len(await ledger.claim()) == 1


async def test_only_the_holder_releases(ledger: Ledger) -> None:
    await keep(ledger, "task-a")
    [lost] = await ledger.claim()
    ledger.clock.now += LEASE
    [mine] = await ledger.claim()
    await ledger.catalog.write(lambda tx: tx.checks.release([lost]))
    assert await held(ledger, mine) == {"task-a"}
    assert await ledger.claim() == []


async def test_clearing_frees_what_a_dead_server_held_and_its_answers_count_no_more(ledger: Ledger) -> None:
    await keep(ledger, "task-a")
    [dead] = await ledger.claim()
    await ledger.catalog.write(lambda tx: tx.checks.clear())
    assert await held(ledger, dead) == set()
    assert await ids(ledger) == ["task-a"]


async def test_clearing_leaves_alone_what_was_put_aside_for_a_while(ledger: Ledger) -> None:
    await keep(ledger, "task-a")
    [bug] = await ledger.claim()
    await ledger.catalog.write(lambda tx: tx.checks.release([bug], after=HOUR))
    await ledger.catalog.write(lambda tx: tx.checks.clear())
    assert await ledger.claim() == []


async def test_saving_a_task_takes_nobodys_claim(ledger: Ledger) -> None:
    await ledger.call_back()
    [mine] = await ledger.claim()
    await ledger.call_back(b'{"id": "task-unified-1756800000-abcd", "status": "failed"}')
    assert await held(ledger, mine) == {mine.task_id}
    assert await ledger.claim() == []


async def test_no_claim_is_held_of_a_task_that_is_not_there_and_none_of_none(ledger: Ledger) -> None:
    assert await held(ledger) == set()
    assert await held(ledger, ClaimedCheck("task-none", "x")) == set()


async def test_the_end_of_a_silence_makes_due_what_met_it_and_nothing_else(ledger: Ledger) -> None:
    later = NOW + HOUR
    await keep(ledger, "task-silent", check=Check(at=later, silent_since=NOW))
    await keep(ledger, "task-waiting", check=Check(at=later))
    await keep(ledger, "task-missing", check=Check(at=later, missing_since=NOW))
    await keep(ledger, "task-settled", check=Check(silent_since=NOW))
    await keep(ledger, "task-due", check=Check(at=NOW, silent_since=NOW))
    assert await ledger.catalog.write(lambda tx: tx.checks.end_silence()) == 1
    assert sorted(await ids(ledger)) == ["task-due", "task-silent"]


async def test_the_end_of_a_silence_begins_the_ladder_anew_in_the_same_round(ledger: Ledger) -> None:
    before = Check(at=NOW + HOUR, since=NOW, asked=7, silent_since=NOW)
    await keep(ledger, "task-silent", check=before)
    await ledger.catalog.write(lambda tx: tx.checks.end_silence())
    after = (await ledger.task("task-silent")).check
    assert (after.at, after.since, after.asked) == (NOW, NOW, 0)


async def test_planned_questions_are_counted(ledger: Ledger) -> None:
    planned = await ledger.catalog.read(lambda tx: tx.checks.waiting())
    assert (planned.planned, planned.due, planned.next_at) == (0, 0, None)
    await keep(ledger, "task-never", None)
    await keep(ledger, "task-now", NOW)
    await keep(ledger, "task-later", NOW + HOUR)
    planned = await ledger.catalog.read(lambda tx: tx.checks.waiting())
    assert (planned.planned, planned.due, planned.next_at) == (2, 1, NOW)


@pytest.mark.parametrize(
    ("check", "expected"),
    [
        (Check(at=NOW + 24 * HOUR), NOW + HOUR),
        (Check(at=NOW + HOUR / 2), NOW + HOUR / 2),
        (Check(at=NOW + 24 * HOUR, asked=1), NOW + 24 * HOUR),
        (Check(), None),
    ],
)
async def test_questions_of_a_time_without_a_key_are_brought_forward(
    ledger: Ledger, check: Check, expected: datetime | None
) -> None:
    await keep(ledger, "task-a", check=check)
    await ledger.catalog.write(lambda tx: tx.checks.hasten(NOW + HOUR))
    assert (await ledger.task("task-a")).check.at == expected


async def test_every_part_of_a_check_is_kept(ledger: Ledger) -> None:
    moments = {name: NOW + n * HOUR for n, name in enumerate(("at", "since", "missing_since", "silent_since"))}
    check = Check(**moments, asked=3, linkless_since=NOW - HOUR)
    await keep(ledger, "task-a", check=check)
    assert (await ledger.task("task-a")).check == check
