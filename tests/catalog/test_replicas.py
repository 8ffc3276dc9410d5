"""Two processes on one database, as two catalogs: nothing is taken twice and nothing is lost between them."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

import pytest

from service.background import Nudge
from service.catalog.catalog import Catalog, Transaction
from service.catalog.checks import ClaimedCheck
from service.catalog.engine import Priority
from service.catalog.wakeups import LISTENER, Wakeups
from service.errors import CatalogUnavailable
from service.intake.batch import Answer, Taken, take_in
from service.intake.register import Told, register
from tests.support.databases import Databases, on_postgres, on_shared
from tests.support.deliveries import LINK, NOW, RULES, TASK, delivery, task_object, token

CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name ="


@dataclass(frozen=True, slots=True)
class Pair:
    """Two catalogs on one database."""

    one: Catalog
    other: Catalog


@pytest.fixture
def pair(databases: Databases) -> Iterator[Pair]:
    where = databases.new()
    pair = Pair(Catalog(where), Catalog(where))
    pair.one.open()
    pair.other.open()
    yield pair
    pair.one.close()
    pair.other.close()


async def take(catalog: Catalog, *bodies: dict[str, object]) -> list[Taken]:
    batch = [delivery(body, through=token()) for body in bodies]
    return await catalog.write(partial(take_in, batch=batch, rules=RULES), priority=Priority.INTAKE)


@on_shared
async def test_the_same_callback_at_both_at_once_is_accepted_once(pair: Pair) -> None:
    for number in range(20):
        body = task_object(task_id=f"task-{number:03}")
        taken = await asyncio.gather(take(pair.one, body), take(pair.other, body), take(pair.one, body))
        assert sorted(one.answer for [one] in taken) == [Answer.ACCEPTED, Answer.DUPLICATE, Answer.DUPLICATE]


@on_shared
async def test_batches_that_cross_are_all_taken(pair: Pair) -> None:
    names = [f"task-{number:02}" for number in range(30)]
    forth = [task_object("processing", name) for name in names]
    back = [task_object("failed", name) for name in reversed(names)]
    await asyncio.gather(take(pair.one, *forth), take(pair.other, *back))
    for name in names:
        state = await pair.one.read(lambda tx, name=name: tx.tasks.get(name))  # type: ignore[misc]
        assert state is not None
        assert state.task.status == "failed"
        assert len(await pair.one.read(lambda tx, name=name: tx.tasks.history(name))) == 2  # type: ignore[misc]


@on_shared
async def test_no_event_of_a_task_is_lost_between_both(pair: Pair) -> None:
    catalogs = [pair.one, pair.other] * 10
    bodies = [task_object("processing", progress=number) for number in range(20)]
    told = pair.one.write(partial(register, told=Told(TASK, prompt="a cat"), rules=RULES))
    await asyncio.gather(told, *(take(catalog, body) for catalog, body in zip(catalogs, bodies, strict=True)))
    await asyncio.gather(take(pair.one, task_object(results=[LINK])), take(pair.other, task_object("failed")))
    state = await pair.one.read(lambda tx: tx.tasks.get(TASK))
    assert state is not None
    assert (state.task.status, state.task.prompt, len(state.assets)) == ("completed", "a cat", 1)
    rows = await pair.one.read(lambda tx: tx.query.callbacks(filters={"task_id": TASK}, after=None, limit=99))
    assert len(rows.items) == 22


@on_shared
async def test_two_claimers_never_get_the_same(pair: Pair) -> None:
    await take(pair.one, *(task_object(task_id=f"task-{number:03}") for number in range(60)))
    catalogs = [pair.one, pair.other] * 10
    assets = await asyncio.gather(*(one.write(lambda tx: tx.work.claim_assets(5)) for one in catalogs))
    claimed = [asset.task_id for some in assets for asset in some]
    assert len(claimed) == len(set(claimed)) == 60
    sidecars = await asyncio.gather(*(one.write(lambda tx: tx.work.claim_sidecars(5)) for one in catalogs))
    assert len({one.task_id for some in sidecars for one in some}) == sum(map(len, sidecars)) == 60


@on_shared
async def test_two_askers_never_ask_the_same(pair: Pair) -> None:
    for number in range(20):
        await pair.one.write(partial(register, told=Told(f"task-{number:03}"), rules=replace(RULES, can_ask=True)))
    due = partial(_due_checks, limit=3)
    claimed = await asyncio.gather(*(one.write(due) for one in [pair.one, pair.other] * 5))
    asked = [one.task_id for some in claimed for one in some]
    assert len(asked) == len(set(asked)) == 20


def _due_checks(tx: Transaction, *, limit: int) -> list[ClaimedCheck]:
    return tx.checks.claim(limit, due_by=tx.now + timedelta(days=2))


@on_postgres
async def test_work_that_one_makes_wakes_the_other(pair: Pair) -> None:
    ours, theirs = pair.one.wakeups(), pair.other.wakeups()
    assert ours is not None
    assert theirs is not None
    archive, its_archive, its_sidecars = ours.nudge("archive"), theirs.nudge("archive"), theirs.nudge("sidecar")
    running = [asyncio.create_task(one.run()) for one in (ours, theirs)]
    await listening(pair.one, 2)
    await drained(archive, its_archive, its_sidecars)
    archive.nudge()
    assert await its_archive.wait(10)
    assert await archive.wait(0)
    assert not await its_sidecars.wait(0)
    assert not await archive.wait(0.1)  # nobody wakes himself twice
    for task in running:
        task.cancel()
    await asyncio.wait(running)


@on_postgres
async def test_a_listener_that_is_cut_off_says_so_at_once_and_can_be_run_again(
    pair: Pair, databases: Databases
) -> None:
    wakeups = pair.one.wakeups()
    assert wakeups is not None
    archive = wakeups.nudge("archive")
    running = asyncio.create_task(wakeups.run())
    await listening(pair.other, 1)
    await drained(archive)
    await asyncio.to_thread(databases.run, f"{CUT} '{LISTENER}'")
    with pytest.raises(CatalogUnavailable):
        await asyncio.wait_for(running, 5)
    again = asyncio.create_task(wakeups.run())
    assert await archive.wait(5)  # something may have been missed
    again.cancel()
    await asyncio.wait([again])


async def listening(catalog: Catalog, number: int) -> None:
    async with asyncio.timeout(10):
        while await asyncio.to_thread(catalog.servers) < number:
            await asyncio.sleep(0.02)


async def drained(*nudges: Nudge) -> None:
    """Use up the wake-up that everybody gets who begins to listen."""
    for nudge in nudges:
        await nudge.wait(2)


@on_postgres
def test_behind_a_pooling_proxy_there_are_no_wakeups(databases: Databases) -> None:
    catalog = Catalog(f"{databases.new()}?pooler=transaction")
    assert catalog.wakeups() is None
    assert isinstance(Catalog(databases.new()).wakeups(), Wakeups)


@on_shared
async def test_time_is_the_databases(pair: Pair) -> None:
    before = await pair.one.read(lambda tx: tx.now)
    after = await pair.other.write(lambda tx: tx.now)
    assert before < after
    assert before.utcoffset() == timedelta(0)
    assert before > NOW
