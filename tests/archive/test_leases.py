"""Leases of what is being worked on are renewed together, for as long as it is. In virtual time."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from service.archive.leases import Leases
from service.catalog.catalog import Catalog, Transaction
from service.catalog.engine import Priority
from service.domain.lease import LEASE, RENEW_EVERY
from tests.archive.test_worker import FakeJob, at_once, for_ever, now, working
from tests.web.virtual_time import run

T = TypeVar("T")
EVERY = RENEW_EVERY.total_seconds()


class Clockwork(Catalog):
    """A catalog that only writes down when something was to be written."""

    def __init__(self) -> None:
        super().__init__(Path("never-opened.db"))
        self.written: list[float] = []

    async def write(self, work: Callable[[Transaction], T], *, priority: Priority = Priority.WORK) -> Any:
        self.written.append(now())


async def renewed(job: FakeJob, seconds: float) -> list[float]:
    """When leases were renewed while a worker did this job."""
    catalog = Clockwork()
    async with working(job) as (worker, _):
        leases = Leases(catalog=catalog, worker=worker, renew=lambda _tx, _held: None)
        loop = asyncio.create_task(leases.run())
        await asyncio.sleep(seconds)
        loop.cancel()
        await asyncio.wait([loop])
    return catalog.written


def test_leases_are_renewed_well_before_they_end() -> None:
    assert 2 * RENEW_EVERY < LEASE
    assert run(renewed(FakeJob(for_ever, 1), 3.5 * EVERY)) == [EVERY, 2 * EVERY, 3 * EVERY]


def test_who_holds_nothing_writes_nothing() -> None:
    assert run(renewed(FakeJob(at_once, 1), 3.5 * EVERY)) == []


def test_what_is_done_is_renewed_no_longer() -> None:
    assert run(renewed(FakeJob(lambda _item: asyncio.sleep(1.5 * EVERY), 1), 5 * EVERY)) == [EVERY]
