"""Asking about what is due: in pieces, with whom woken by the answers, and how a silence ends."""

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from service.archive.worker import AFTER_A_BUG
from service.background import Nudge
from service.catalog.catalog import Catalog, Transaction
from service.catalog.tasks import TaskState
from service.domain.task import Check, Rank, Task, TaskReason, TaskStatus
from service.errors import Unavailable
from service.observability import Metrics
from service.provider.reading import Found, Reading, Throttled
from service.reconcile.provider import Nobody
from service.reconcile.reconciler import FAIR_EVERY
from tests.support.deliveries import RULES, task_object
from tests.support.fake_provider import FakeProvider, always, ask_all, asker, complete, told
from tests.support.ledger import MISSING, SILENT, Ledger, found, ledger_in

A, B = "task-a", "task-b"


async def nudged(nudge: Nudge) -> bool:
    return await nudge.wait(0.01)


def sample(metrics: Metrics, name: str) -> float:
    found = re.search(rf"^{re.escape(name)} (\S+)$", metrics.render()[0].decode(), re.MULTILINE)
    assert found is not None, name
    return float(found[1])


@pytest.mark.parametrize(
    ("together", "limit", "sizes"), [(1, 3, [1, 1, 1]), (3, 2, [3, 3]), (3, 9, [3, 3, 1]), (50, 1, [7])]
)
async def test_a_piece_of_work_is_as_many_questions_as_are_asked_at_once(
    ledger: Ledger, together: int, limit: int, sizes: list[int]
) -> None:
    await told(ledger, *(f"task-{n}000" for n in range(7)))
    pieces = await asker(ledger, FakeProvider(most_at_once=together)).claim(limit)
    assert [len(piece) for piece in pieces] == sizes
    assert len({one.task_id for piece in pieces for one in piece}) == sum(sizes)


async def test_nobody_waits_for_ever_behind_those_that_always_go_first(ledger: Ledger) -> None:
    """Each minute a new task is due that goes before the stranger, and one question is asked."""
    await ledger.catalog.write(keep_stranger)
    provider = FakeProvider()
    reconciler = asker(ledger, provider)
    for number in range(2 * FAIR_EVERY):
        await ledger.call_back(task_object(task_id=f"task-{number:04}"))
        ledger.clock.move(minutes=1)
        for piece in await reconciler.claim(1):
            await reconciler.work(piece)
    assert ("task-stranger",) in provider.asked


def keep_stranger(tx: Transaction) -> None:
    check = Check(at=tx.now)
    stranger = Task(
        id="task-stranger", source="evolink", received_at=tx.now, stranger=True, deadline=tx.now, check=check
    )
    tx.tasks.save([(None, TaskState(stranger, ()))])


@pytest.mark.long
async def test_an_answer_that_no_transaction_takes_is_set_aside_and_the_others_get_through(ledger: Ledger) -> None:
    poison = complete(B)
    assert isinstance(poison, Found)
    # a value that no database driver can bind, as if the reader had let it through
    poison = replace(poison, event=replace(poison.event, model="\ud800"))
    provider = FakeProvider(lambda task_id: poison if task_id == B else complete(task_id), most_at_once=50)
    await told(ledger, A, B, "task-c")
    await ask_all(asker(ledger, provider))
    assert [(await ledger.task(one)).confirmed for one in (A, B, "task-c")] == [True, False, True]
    assert await ledger.claim() == []  # for a while
    ledger.clock.now += AFTER_A_BUG
    assert [one.task_id for one in await ledger.claim()] == [B]


async def test_nothing_due_is_no_work_and_no_request(ledger: Ledger) -> None:
    provider = FakeProvider()
    await ledger.tell(A)
    await ask_all(asker(ledger, provider))
    assert provider.asked == []


async def test_nobody_is_asked_while_the_provider_wants_to_be_left_alone(ledger: Ledger) -> None:
    provider = FakeProvider(pause=0.5)
    reconciler = asker(ledger, provider)
    assert not reconciler.may_ask()
    provider.pause = 0.0
    assert reconciler.may_ask()


async def test_an_answer_with_images_wakes_the_archive_and_every_answer_the_sidecars(ledger: Ledger) -> None:
    for reading, wakes in ((found("processing", task_id=A), False), (complete(A), True)):
        archive, sidecars = Nudge(), Nudge()
        await told(ledger, A)
        await ask_all(asker(ledger, always(reading), archive=archive, sidecars=sidecars))
        assert (await nudged(archive), await nudged(sidecars)) == (wakes, True)


async def test_every_question_is_counted_by_what_it_came_to_and_every_death_by_its_reason(ledger: Ledger) -> None:
    metrics = Metrics()
    readings: list[Reading] = [found("processing", task_id=A), SILENT, Throttled(1), MISSING, MISSING]
    await told(ledger, A)
    for reading in readings:
        await ask_all(asker(ledger, always(reading), metrics=metrics))
        ledger.clock.move(hours=1)
    for result in ("not_yet", "unreachable", "throttled"):
        assert sample(metrics, f'darkroom_reconcile_total{{result="{result}"}}') == 1
    assert sample(metrics, 'darkroom_reconcile_total{result="unknown"}') == 2
    assert sample(metrics, 'darkroom_dead_total{reason="unknown_to_provider"}') == 1


async def test_an_answer_after_the_claim_was_lost_is_dropped_and_wakes_nobody(ledger: Ledger) -> None:
    archive, metrics = Nudge(), Metrics()
    reconciler = asker(ledger, FakeProvider(), archive=archive, metrics=metrics)
    await told(ledger, A)
    [piece] = await reconciler.claim(1)
    await ledger.catalog.write(lambda tx: tx.checks.clear())
    [concluded] = await reconciler.ask(piece)
    assert (concluded.counted, await nudged(archive)) == (False, False)
    assert (await ledger.task(A)).rank is Rank.NOTHING


async def test_what_cannot_be_kept_is_our_own_illness_and_the_claim_stays(ledger: Ledger, tmp_path: Path) -> None:
    await told(ledger, A)
    closed = Catalog(tmp_path / "ledger.db")
    reconciler, ill = asker(ledger, FakeProvider()), asker(ledger, FakeProvider(), catalog=closed)
    [piece] = await reconciler.claim(1)
    closed.close()
    with pytest.raises(Unavailable):
        await ill.work(piece)
    assert await reconciler.claim(1) == []
    await reconciler.release(piece, after=timedelta(minutes=1))
    assert await reconciler.claim(1) == []
    await ledger.catalog.write(lambda tx: tx.checks.release(piece))
    ledger.clock.move(minutes=1)
    assert len(await reconciler.claim(1)) == 1


async def test_without_a_provider_told_tasks_run_out_of_time_and_nothing_else(tmp_path: Path) -> None:
    with ledger_in(tmp_path, RULES) as ledger:
        metrics = Metrics()
        reconciler = asker(ledger, Nobody(), metrics=metrics)
        await told(ledger, A)
        await ask_all(reconciler)
        assert (await ledger.task(A)).status is TaskStatus.PENDING
        ledger.clock.now += RULES.horizon
        await ask_all(reconciler)
        assert (await ledger.task(A)).reason is TaskReason.NEVER_FINISHED
        assert sample(metrics, 'darkroom_reconcile_total{result="unasked"}') == 1
