"""A row that is committed after others with higher numbers: seen by the next look, and by a complete walk at once."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial

import asyncpg  # type: ignore[import-untyped] # it ships no types
import pytest

from service.catalog.catalog import Catalog
from service.catalog.inbox_filter import InboxFilter
from service.catalog.walk import Horizon, walk_end
from service.intake.batch import take_in
from tests.support.databases import Databases, on_postgres
from tests.support.deliveries import RULES, delivery, task_object

pytestmark = [on_postgres, pytest.mark.usefixtures("databases")]

LATE = """
WITH task AS (
    INSERT INTO tasks (id, source, received_at, status, rank, confirmed, conflict, tags, archive_date, version,
        sidecar_version, check_at, deadline)
    VALUES ('task-late', 'evolink', '2026-05-01 12:00+00', 'completed', 6, true, false, '{}', '2026-05-01', 2, 1,
        '2026-05-01 12:00+00', '2026-05-02 12:00+00')
), asset AS (
    INSERT INTO assets (task_id, index, status, links, refused_links, created_at, deadline, attempts, next_attempt_at,
        purged)
    VALUES ('task-late', 0, 'pending', '["https://files.evolink.ai/a/late.png"]', '[]', '2026-05-01 12:00+00',
        '2026-05-02 12:00+00', 0, '2026-05-01 12:00+00', false)
)
INSERT INTO callbacks (source, origin, task_id, body_sha256, body, bytes, headers, tags, verdict, deliveries,
    received_at, last_received_at)
VALUES ('evolink', 'callback', 'task-late', 'late', '{}', 2, '{}', '{}', 'unreadable', 1, '2026-05-01 12:00+00',
    '2026-05-01 12:00+00')
"""


@pytest.fixture
def url(databases: Databases) -> str:
    return str(databases.new())


@pytest.fixture
def catalog(url: str) -> Iterator[Catalog]:
    opened = Catalog(url)
    opened.open()
    yield opened
    opened.close()


@asynccontextmanager
async def held_back(url: str, catalog: Catalog) -> AsyncIterator[asyncpg.transaction.Transaction]:
    """A task, its image and a callback are written and not committed, when others with higher numbers are."""
    connection = await asyncpg.connect(url)
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute(LATE)
    for number in range(3):
        batch = [delivery(task_object(task_id=f"task-{number}"))]
        await catalog.write(partial(take_in, batch=batch, rules=RULES))
    yield transaction
    await connection.close()


async def walked(catalog: Catalog, until: int | None = None) -> list[str]:
    return [one for _, one in await catalog.read(lambda tx: tx.walk.with_folder(after=0, limit=99, until=until))]


async def test_a_walk_to_its_end_waits_for_the_row_and_meets_it(url: str, catalog: Catalog) -> None:
    async with held_back(url, catalog) as late:
        looked = asyncio.Semaphore(0)

        async def look() -> Horizon:
            horizon = await catalog.read(lambda tx: tx.walk.horizon())
            looked.release()
            return horizon

        ending = asyncio.create_task(walk_end(look))
        for _ in range(3):
            await looked.acquire()
        assert not ending.done()
        assert "task-late" not in await walked(catalog)
        await late.commit()
        end = await asyncio.wait_for(ending, 10)
        assert "task-late" in await walked(catalog, end)


async def test_a_walk_does_not_wait_for_those_that_begin_later() -> None:
    looks = iter(["7/1", "7/2"])

    async def look() -> Horizon:
        return Horizon(5, frozenset({next(looks)}))

    assert await asyncio.wait_for(walk_end(look), 10) == 5


async def test_a_walk_waits_for_nobody_where_nobody_writes(catalog: Catalog) -> None:
    horizon = await catalog.read(lambda tx: tx.walk.horizon())
    assert horizon == Horizon(0, frozenset())


async def test_what_is_claimed_by_its_state_is_claimed_as_soon_as_it_is_there(url: str, catalog: Catalog) -> None:
    async with held_back(url, catalog) as late:
        for _ in range(2):  # all that is there, so that a cursor would be past the row
            await catalog.write(lambda tx: tx.work.claim_assets(99))
            await catalog.write(lambda tx: tx.work.claim_sidecars(99))
            await catalog.write(lambda tx: tx.checks.claim(99))
        await late.commit()
        assets = await catalog.write(lambda tx: tx.work.claim_assets(99))
        sidecars = await catalog.write(lambda tx: tx.work.claim_sidecars(99))
        checks = await catalog.write(lambda tx: tx.checks.claim(99))
        assert [one.task_id for some in (assets, sidecars, checks) for one in some] == ["task-late"] * 3


async def test_a_list_that_was_begun_before_misses_it_and_the_next_one_has_it(url: str, catalog: Catalog) -> None:
    async with held_back(url, catalog) as late:
        first = await catalog.read(lambda tx: tx.query.tasks(after=None, limit=3))
        assert (len(first.items), first.next) == (3, None)
        await late.commit()
        again = await catalog.read(lambda tx: tx.query.tasks(after=None, limit=9))
        assert [task.id for task in again.items][-1] == "task-late"


async def test_a_pass_that_clears_meets_it_the_next_time(url: str, catalog: Catalog) -> None:
    async with held_back(url, catalog) as late:
        before = await catalog.read(lambda tx: tx.now)
        passed = await catalog.write(lambda tx: tx.clearing.clear(before, limit=99))
        await late.commit()
        assert (await catalog.write(lambda tx: tx.clearing.clear(before, limit=99))).number == passed.number + 1


async def test_a_replay_reaches_all_that_was_confirmed_before_it_began(url: str, catalog: Catalog) -> None:
    async with held_back(url, catalog) as late:
        await late.commit()
        first, last = await catalog.read(lambda tx: tx.replays.span(InboxFilter()))
        portion = await catalog.read(lambda tx: tx.replays.portion(InboxFilter(), after=first, last=last))
        assert len(portion.bodies) == 4
