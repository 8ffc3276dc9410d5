"""Leased work: bounded, awake when there is something to do, patient when our own side is ill, orderly at the end.

In virtual time, so that pauses are exact and take none.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from structlog.testing import capture_logs

from service.archive.worker import LONGEST_PAUSE, POLL_SECONDS, Worker
from service.background import Nudge
from service.errors import CatalogUnavailable, StorageUnavailable
from tests.web.virtual_time import run

DAY = 86400.0


class FakeJob:
    """Work on numbers, the lowest due one first; `do` is what working on one means. What happens is written down."""

    def __init__(self, do: Callable[[int], Awaitable[None]], *items: int) -> None:
        self.do = do
        self.due = list(items)
        self.not_before: dict[int, float] = {}
        self.held: set[int] = set()
        self.most_held = 0
        self.tried: list[tuple[int, float]] = []
        self.released: list[int] = []
        self.done: list[int] = []
        self.claims: list[int] = []
        self.release_fails = False

    async def claim(self, limit: int) -> list[int]:
        self.claims.append(limit)
        claimed = [item for item in sorted(self.due) if self.not_before.get(item, 0.0) <= now()][:limit]
        self.due = [item for item in self.due if item not in claimed]
        self.held |= set(claimed)
        self.most_held = max(self.most_held, len(self.held))
        return claimed

    async def work(self, claimed: int) -> None:
        self.tried.append((claimed, now()))
        await self.do(claimed)
        self.held.discard(claimed)
        self.done.append(claimed)

    async def release(self, claimed: int, *, after: timedelta) -> None:
        if self.release_fails:
            raise CatalogUnavailable("gone")
        self.held.discard(claimed)
        self.released.append(claimed)
        self.due.append(claimed)
        self.not_before[claimed] = now() + after.total_seconds()


def now() -> float:
    return asyncio.get_running_loop().time()


async def at_once(_item: int) -> None:
    return None


async def for_ever(_item: int) -> None:
    await asyncio.sleep(DAY)


@asynccontextmanager
async def working(
    job: FakeJob, *, concurrency: int = 2, may_start: Callable[[], bool] = lambda: True
) -> AsyncIterator[tuple[Worker[int], Nudge]]:
    nudge = Nudge()
    worker = Worker(name="test", job=job, concurrency=concurrency, nudge=nudge, may_start=may_start)
    loop = asyncio.create_task(worker.run())
    await asyncio.sleep(0)
    yield worker, nudge
    await worker.stop(0)
    loop.cancel()
    await asyncio.wait([loop])


def in_virtual_time(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    def sync() -> None:
        run(test())

    sync.__name__, sync.__doc__ = test.__name__, test.__doc__
    return sync


@in_virtual_time
async def test_no_more_is_claimed_than_there_are_places_and_everything_gets_done() -> None:
    job = FakeJob(lambda _item: asyncio.sleep(5), *range(7))
    async with working(job, concurrency=3) as (worker, _):
        await asyncio.sleep(1)
        assert (len(job.held), len(worker.held)) == (3, 3)
        await asyncio.sleep(20)
    assert (job.most_held, sorted(job.done), job.released) == (3, list(range(7)), [])


@in_virtual_time
async def test_it_is_busy_while_most_places_are_taken() -> None:
    job = FakeJob(asyncio.sleep, 1, 2, 3)
    async with working(job, concurrency=4) as (worker, _):
        busy = []
        for _ in range(4):
            await asyncio.sleep(0.75)
            busy.append(worker.is_busy)
    assert busy == [True, False, False, False]


@in_virtual_time
async def test_a_finished_piece_makes_room_for_the_next_at_once() -> None:
    job = FakeJob(lambda _item: asyncio.sleep(0.25), *range(4))
    async with working(job, concurrency=1):
        await asyncio.sleep(1.01)
    assert [at for _, at in job.tried] == [0.0, 0.25, 0.5, 0.75]


@in_virtual_time
async def test_a_nudge_wakes_it_before_the_poll() -> None:
    job = FakeJob(at_once)
    async with working(job) as (_, nudge):
        await asyncio.sleep(0.3)
        job.due = [1]
        nudge.nudge()
        await asyncio.sleep(0.01)
        assert [(item, round(at, 6)) for item, at in job.tried] == [(1, 0.3)]


@in_virtual_time
async def test_a_lost_nudge_costs_one_poll() -> None:
    job = FakeJob(at_once)
    async with working(job):
        await asyncio.sleep(0.3)
        job.due = [1]
        await asyncio.sleep(POLL_SECONDS)
    assert [(item, round(at, 6)) for item, at in job.tried] == [(1, POLL_SECONDS)]


@in_virtual_time
async def test_nothing_is_claimed_while_it_may_not_start() -> None:
    allowed: list[bool] = []
    job = FakeJob(at_once, 1)
    async with working(job, may_start=lambda: bool(allowed)):
        await asyncio.sleep(10)
        assert job.claims == []
        allowed.append(True)
        await asyncio.sleep(2 * POLL_SECONDS)
    assert job.done == [1]


@in_virtual_time
async def test_while_our_own_side_is_ill_everything_waits_longer_each_time_and_goes_on_when_it_is_well() -> None:
    ill = True

    async def store(_item: int) -> None:
        if ill:
            raise StorageUnavailable("full")

    job = FakeJob(store, *range(6))
    async with working(job, concurrency=2):
        await asyncio.sleep(100)
        first = [at for _, at in job.tried[:2]]
        later = [at for _, at in job.tried[2:]]
        assert first == [0.0, 0.0]
        gaps = [after - before for before, after in pairwise(later)]
        assert gaps == sorted(gaps)
        assert max(gaps) <= LONGEST_PAUSE + POLL_SECONDS
        assert len(job.tried) < 12
        assert (job.done, job.held) == ([], set())
        ill = False
        await asyncio.sleep(3 * LONGEST_PAUSE)
    assert sorted(job.done) == list(range(6))


@in_virtual_time
async def test_a_failed_claim_ends_the_loop_so_that_it_is_started_again() -> None:
    class Broken(FakeJob):
        async def claim(self, limit: int) -> list[int]:
            raise CatalogUnavailable("locked")

    worker = Worker(name="test", job=Broken(at_once), concurrency=1, nudge=Nudge())
    with pytest.raises(CatalogUnavailable):
        await worker.run()


@in_virtual_time
async def test_an_unexpected_error_hands_the_claim_back() -> None:
    async def breaks(_item: int) -> None:
        raise RuntimeError("bug")

    job = FakeJob(breaks, 1)
    async with working(job):
        await asyncio.sleep(0.01)
        assert (job.released, job.held, job.due) == ([1], set(), [1])


@pytest.mark.parametrize("error", [RuntimeError("bug"), StorageUnavailable("this one folder cannot be written")])
def test_a_piece_that_always_fails_does_not_keep_the_others_from_being_done(error: Exception) -> None:
    async def poison(item: int) -> None:
        if item == 0:
            raise error

    async def ten_minutes() -> list[int]:
        job = FakeJob(poison, *range(5))
        with capture_logs():  # rendering tracebacks would take longer than the work
            async with working(job, concurrency=1):
                await asyncio.sleep(600)
        return job.done

    assert run(ten_minutes()) == [1, 2, 3, 4]


@in_virtual_time
async def test_a_claim_that_cannot_be_handed_back_is_left_to_expire() -> None:
    async def full(_item: int) -> None:
        raise StorageUnavailable("full")

    job = FakeJob(full, 1)
    job.release_fails = True
    async with working(job) as (worker, _):
        await asyncio.sleep(10)
        assert (job.held, worker.held) == ({1}, [])


@in_virtual_time
async def test_stopping_lets_what_runs_end_and_starts_nothing_new() -> None:
    job = FakeJob(lambda _item: asyncio.sleep(3), 1, 2, 3)
    async with working(job) as (worker, _):
        await asyncio.sleep(1)
        await worker.stop(20)
        assert now() == pytest.approx(3)
        assert (sorted(job.done), job.due, job.released) == ([1, 2], [3], [])
        await asyncio.sleep(60)
    assert job.due == [3]


@in_virtual_time
async def test_stopping_cancels_what_takes_too_long_and_hands_it_back() -> None:
    job = FakeJob(for_ever, 1, 2, 3)
    async with working(job) as (worker, _):
        await asyncio.sleep(1)
        await worker.stop(5)
        assert now() == pytest.approx(6)
        assert (job.done, sorted(job.released), worker.held) == ([], [1, 2], [])


@in_virtual_time
async def test_what_is_claimed_while_stopping_is_handed_back() -> None:
    class Slow(FakeJob):
        async def claim(self, limit: int) -> list[int]:
            claimed = await super().claim(limit)
            await asyncio.sleep(1)
            return claimed

    job = Slow(for_ever, 1, 2)
    async with working(job, concurrency=2) as (worker, _):
        await asyncio.sleep(0.5)
        await worker.stop(5)
    assert job.held == set()


class Hanging(FakeJob):
    """From the second claim on, the database takes `seconds` to answer one."""

    def __init__(self, seconds: float, do: Callable[[int], Awaitable[None]], *items: int) -> None:
        super().__init__(do, *items)
        self.seconds = seconds

    async def claim(self, limit: int) -> list[int]:
        claimed = await super().claim(limit)
        if len(self.claims) > 1:
            await asyncio.sleep(self.seconds)
        return claimed


@in_virtual_time
async def test_a_claim_that_hangs_keeps_nobody_from_stopping_in_time() -> None:
    job = Hanging(DAY, for_ever, 1)
    async with working(job) as (worker, _):
        await asyncio.sleep(2)
        assert len(job.claims) == 2
        await worker.stop(5)
        assert now() == pytest.approx(7)
        assert (job.released, worker.held) == ([1], [])


@in_virtual_time
async def test_what_a_slow_claim_brings_after_stopping_is_handed_back_and_not_begun() -> None:
    job = Hanging(20, at_once, 1, 2)
    async with working(job, concurrency=1) as (worker, _):
        await asyncio.sleep(2)
        await worker.stop(1)
        assert now() == pytest.approx(3)
        await asyncio.sleep(20)
        assert ([item for item, _ in job.tried], job.released, job.held) == ([1], [2], set())


@in_virtual_time
async def test_a_claim_under_way_is_awaited_for_a_moment_also_without_time_to_drain() -> None:
    job = Hanging(0.3, at_once, 1, 2)
    async with working(job, concurrency=1) as (worker, _):
        await asyncio.sleep(0.1)
        await worker.stop(0)
        assert job.released == [2]


@in_virtual_time
async def test_claims_are_handed_back_side_by_side() -> None:
    class Slow(FakeJob):
        async def release(self, claimed: int, *, after: timedelta) -> None:
            await asyncio.sleep(3)
            await super().release(claimed, after=after)

    job = Slow(for_ever, *range(5))
    async with working(job, concurrency=5) as (worker, _):
        await asyncio.sleep(1)
        await worker.stop(2)
        assert now() == pytest.approx(6)
        assert sorted(job.released) == list(range(5))
