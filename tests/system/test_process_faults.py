"""The process may open no more files, or is told to stop at a bad moment: it goes on, or ends in order and in time."""

import asyncio
import json
import signal
import socket
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import psutil
import pytest

from tests.support.processes import has_ended
from tests.system.conftest import Start
from tests.system.support.answers import Answer, Gate, halted, whole
from tests.system.support.burden import Meter, helpers
from tests.system.support.darkroom import Darkroom
from tests.system.support.image_host import ImageHost
from tests.system.support.jobs import Job, all_looked_at, assert_archived, new_job
from tests.system.support.pictures import Picture
from tests.system.support.provider import call_back, call_back_until_taken, new_task_id, task_object
from tests.system.support.waiting import eventually

pytestmark = pytest.mark.long

FETCHING = "service.fetching.child"
FEW_FILES = 64
WITH_FEW_FILES = ("sh", "-c", f'ulimit -n {FEW_FILES}; exec "$@"', "sh")
DRAIN = 2.0
BUSY_WAIT = 4.0
"""Seconds that a commit waits for a lock that somebody else holds."""


@contextmanager
def idle_connections(service: Darkroom, number: int) -> Iterator[None]:
    """So many connections that say nothing."""
    opened = [socket.socket() for _ in range(number)]
    for one in opened:
        one.setblocking(False)
        one.connect_ex(("127.0.0.1", service.port))
    yield
    for one in opened:
        one.close()


async def halted_downloads(service: Darkroom, host: ImageHost, number: int) -> tuple[Gate, list[Job]]:
    """Downloads under way that wait for a gate."""
    opened = asyncio.Event()
    gates = [Gate(opened=opened) for _ in range(number)]
    jobs = [new_job(host, partial(halted_once, gate)) for gate in gates]
    url = await service.api.mint()
    for job in jobs:
        assert (await call_back(service.api.client, url, job.body)).status_code == 202
    async with asyncio.timeout(20):
        for gate in gates:
            await gate.reached.wait()
    return Gate(opened=opened), jobs


def halted_once(gate: Gate, picture: Picture) -> tuple[Answer, ...]:
    return halted(picture, gate), whole(picture)


async def test_when_the_process_that_fetches_is_killed_all_is_fetched_by_another_at_the_first_attempt(
    start: Start, image_host: ImageHost
) -> None:
    service = await start()
    gate, jobs = await halted_downloads(service, image_host, 5)
    [killed] = helpers(service, FETCHING)
    killed.kill()
    gate.opened.set()
    for job in jobs:
        await assert_archived(service, job)
    [another] = helpers(service, FETCHING)
    assert another.pid != killed.pid
    assert await service.stop() == 0
    assert has_ended(another)
    assert service.archive.staged() == []


async def test_the_process_that_fetches_does_not_outlive_a_killed_service(start: Start, image_host: ImageHost) -> None:
    service = await start()
    gate, jobs = await halted_downloads(service, image_host, 5)
    [fetching] = helpers(service, FETCHING)
    await service.kill()
    await eventually(lambda: _gone(fetching), what="the process that fetches is gone")
    gate.opened.set()
    await service.start()
    for job in jobs:
        await assert_archived(service, job)
    assert await service.stop() == 0  # until then images are copied to be looked at
    assert service.archive.staged() == []


async def _gone(process: psutil.Process) -> bool | None:
    return has_ended(process) or None


def events(lines: Sequence[str]) -> list[str]:
    return [json.loads(line)["event"] for line in lines]


async def test_without_free_descriptors_nothing_dies_or_spins_and_all_goes_on_when_connections_go(
    start: Start, image_host: ImageHost
) -> None:
    service = await start(running=False)
    await service.start(prefix=WITH_FEW_FILES)
    url = await service.api.mint()
    gate, jobs = await halted_downloads(service, image_host, 5)
    meter = Meter(service)
    with idle_connections(service, 300):

        async def full() -> bool | None:
            return meter.open_files >= FEW_FILES - 1 or None  # one is kept to turn callers away with

        await eventually(full, what="no descriptor is left")
        gate.opened.set()
        await asyncio.sleep(2)
        starved = meter.read()
        assert "work_paused" in events(starved.lines)
        assert starved.processor < starved.seconds / 2
        assert len(starved.lines) < 20, events(starved.lines)
    taken = await call_back_until_taken(service.api.client, url, task_object(new_task_id()), pauses=(0.2,))
    assert taken == 202
    for job in jobs:
        await assert_archived(service, job)  # at the first attempt that counts
    assert await service.stop() == 0


async def test_a_second_sigterm_cuts_nothing_short(start: Start, image_host: ImageHost) -> None:
    service = await start()
    gate, [job] = await halted_downloads(service, image_host, 1)
    service.signal(signal.SIGTERM)
    await draining(service)
    service.signal(signal.SIGTERM)
    await asyncio.sleep(0.5)
    gate.opened.set()
    assert await service.ended() == 0
    await service.start()
    await assert_archived(service, job)
    assert image_host.asked_for(job.links[0]) == 1


async def draining(service: Darkroom) -> None:
    async def look() -> bool | None:
        return '"draining"' in service.log or None

    await eventually(look, what="the service drains", every=0.01)


@contextmanager
def locked(service: Darkroom) -> Iterator[None]:
    """Somebody else holds the database's lock."""
    path = Path(service.settings["DATA_DIR"]) / "darkroom.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


async def test_sigterm_ends_a_service_whose_database_is_locked_and_whose_downloads_stall(
    start: Start, image_host: ImageHost
) -> None:
    service = await start(SERVER__DRAIN_TIMEOUT=f"{DRAIN:.0f}s")
    gate, jobs = await halted_downloads(service, image_host, 16)
    with locked(service):
        asked_at = time.monotonic()
        assert await service.stop() == 0
        # two loops are cancelled after a second each, and two commits wait for the lock, one after the other
        assert time.monotonic() - asked_at < DRAIN + 2 * BUSY_WAIT + 6
    gate.opened.set()
    await service.start()
    for job in jobs:
        await assert_archived(service, job, within=15)  # well before a lease of 30 s would end
    await all_looked_at(service)
    assert service.archive.staged() == []


async def test_sigterm_while_it_starts_ends_it_at_once_and_the_next_start_is_a_good_one(start: Start) -> None:
    service = await start(running=False)
    for moment in (0.1, 0.3, 0.6, 0.9):
        service.spawn()
        await asyncio.sleep(moment)
        asked_at = time.monotonic()
        service.signal(signal.SIGTERM)
        assert await service.ended() in {0, -signal.SIGTERM}
        assert time.monotonic() - asked_at < DRAIN + 3
    await service.start()
    body = task_object(new_task_id())
    assert (await call_back(service.api.client, await service.api.mint(), body)).status_code == 202
    assert await service.stop() == 0
