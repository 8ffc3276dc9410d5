"""Leases of what is being worked on are renewed together, for as long as it is. In virtual time."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from structlog.testing import capture_logs

from service.archive.leases import Leases
from service.catalog.catalog import Catalog, Transaction
from service.catalog.engine import Priority
from service.domain.audit import Actor
from service.domain.lease import LEASE, RENEW_EVERY
from service.errors import CatalogUnavailable
from tests.archive.test_worker import FakeJob, at_once, for_ever, now, working
from tests.web.virtual_time import run

T = TypeVar("T")
EVERY = RENEW_EVERY.total_seconds()


class Clockwork(Catalog):
    """A catalog that only writes down when something was to be written, and takes nothing before `ill_until`."""

    def __init__(self, ill_until: float) -> None:
        super().__init__(Path("never-opened.db"))
        self.written: list[float] = []
        self.ill_until = ill_until

    async def write(
        self, work: Callable[[Transaction], T], *, priority: Priority = Priority.WORK, by: Actor | None = None
    ) -> Any:
        self.written.append(now())
        if now() < self.ill_until:
            raise CatalogUnavailable("gone")


async def renewed(job: FakeJob, seconds: float, *, ill_until: float = 0.0) -> list[float]:
    """When leases were to be renewed while a worker did this job."""
    catalog = Clockwork(ill_until)
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


def test_a_database_that_is_ill_is_asked_again_each_second_and_told_of_in_one_line() -> None:
    with capture_logs() as lines:
        asked = run(renewed(FakeJob(for_ever, 1), 50.0, ill_until=33.0))
    assert asked == [*(EVERY + second for second in range(24)), 43.0]
    assert [(line["event"], line["reason"], line["held"]) for line in lines] == [("leases_not_renewed", "gone", 1)]


def test_who_holds_nothing_writes_nothing() -> None:
    assert run(renewed(FakeJob(at_once, 1), 3.5 * EVERY)) == []


def test_what_is_done_is_renewed_no_longer() -> None:
    assert run(renewed(FakeJob(lambda _item: asyncio.sleep(1.5 * EVERY), 1), 5 * EVERY)) == [EVERY]
