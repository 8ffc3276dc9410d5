"""A database that is locked, gone, damaged or slow: told with what to do, and nothing acknowledged is lost."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from tests.system.conftest import Start
from tests.system.support.answers import whole
from tests.system.support.darkroom import Darkroom
from tests.system.support.image_host import ImageHost
from tests.system.support.injected import injected
from tests.system.support.jobs import Job, assert_archived, new_job
from tests.system.support.outage import LINES_AT_ITS_BEGINNING, caller, not_ready, problems, ready, said
from tests.system.support.provider import call_back
from tests.system.support.trace import why_no_trace
from tests.system.support.waiting import eventually

pytestmark = pytest.mark.long

PAGE = 4096


def database(service: Darkroom) -> Path:
    return service.folder / "data" / "darkroom.db"


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    """Where traces go; skips where nothing can be traced."""
    if (reason := why_no_trace(tmp_path)) is not None:
        pytest.skip(reason)
    return tmp_path / "injected"


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another process holds the database's lock."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield
    other.execute("ROLLBACK")
    other.close()


@contextlib.asynccontextmanager
async def sick_log(service: Darkroom, output: Path, fault: str) -> AsyncIterator[None]:
    """Syncs of the database's log fail, or take long."""
    log = database(service).with_name("darkroom.db-wal")
    pid = [line["pid"] for line in said(service) if line["event"] == "listening"][-1]
    async with injected(pid, output, calls="fsync,fdatasync", fault=fault, path=log):
        yield


async def archived(service: Darkroom, host: ImageHost) -> Job:
    job = new_job(host, lambda picture: (whole(picture),))
    assert (await call_back(service.api.client, await service.api.mint(), job.body)).status_code == 202
    await assert_archived(service, job)
    return job


async def test_a_lock_that_somebody_holds_for_long_is_named_and_work_goes_on_when_it_is_let_go(start: Start) -> None:
    service = await start()
    calls = await caller(service)
    with locked(database(service)):
        refused = [await answer for answer in asyncio.as_completed([calls.call() for _ in range(20)])]
        assert {answer.status_code for answer in refused} == {503}
        assert max(answer.elapsed.total_seconds() for answer in refused) < 6
        await not_ready(service, "database", "locked", "another process holds its lock")
        assert await service.api.all("/v1/tasks") == []
    await calls.until_taken()
    await calls.assert_nothing_lost()
    assert len(said(service)) <= 2 * LINES_AT_ITS_BEGINNING


async def test_a_database_that_was_removed_takes_nothing_more_and_is_made_anew_from_the_archive(
    start: Start, image_host: ImageHost
) -> None:
    service = await start()
    job = await archived(service, image_host)
    calls = await caller(service)
    for name in ("darkroom.db", "darkroom.db-wal", "darkroom.db-shm"):
        database(service).with_name(name).unlink()
    assert (await calls.call()).status_code == 503, "the very first must not be acknowledged"
    assert "darkroom rebuild" in await not_ready(service, "database", str(database(service)), "removed")
    assert (await service.api.get(f"/v1/tasks/{job.task_id}"))["status"] == "completed"
    assert len(said(service)) <= 2 * LINES_AT_ITS_BEGINNING
    assert await service.stop() == 0
    assert not database(service).exists()
    assert "darkroom rebuild" in (await service.run("doctor")).stdout
    rebuilt = await service.run("rebuild")
    assert (rebuilt.returncode, "1 task" in rebuilt.stdout) == (0, True), rebuilt.stdout


async def test_a_log_that_was_removed_costs_nothing_even_when_the_process_is_killed_then(start: Start) -> None:
    service = await start()
    calls = await caller(service)
    for _ in range(5):
        await calls.call()
    for name in ("darkroom.db-wal", "darkroom.db-shm"):
        database(service).with_name(name).unlink()
    for _ in range(5):
        await calls.call()
    assert len(calls.acknowledged) == 10
    await service.kill()
    await service.start()
    await calls.assert_nothing_lost()


def damage(path: Path, table: str) -> None:
    """Overwrite the first page of a table."""
    reader = sqlite3.connect(path)
    (page,) = reader.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,)).fetchone()
    reader.close()
    with path.open("r+b") as file:
        file.seek((page - 1) * PAGE)
        file.write(b"\x5a" * PAGE)


def scribble(path: Path) -> None:
    path.write_bytes(b"not a database" * 1000)


def damage_tasks(path: Path) -> None:
    damage(path, "tasks")


@pytest.mark.parametrize("harm", [scribble, damage_tasks])
async def test_a_damaged_database_stops_the_start_with_one_line_that_says_what_to_do(
    start: Start, harm: Callable[[Path], None]
) -> None:
    service = await start()
    assert await service.stop() == 0
    harm(database(service))
    done = await service.run("serve")
    assert done.returncode == 1
    last, *before = reversed(done.stderr.splitlines())
    assert "darkroom rebuild" in last
    assert [line for line in before if "secret_generated" not in line] == []


async def test_damage_that_shows_later_ends_intake_but_neither_the_process_nor_what_can_be_read(
    start: Start, image_host: ImageHost
) -> None:
    service = await start()
    job = await archived(service, image_host)
    assert await service.stop() == 0
    await service.start()
    damage(database(service), "callbacks")  # nobody has read it yet in this life
    calls = await caller(service)
    await calls.until_refused()
    assert "darkroom rebuild" in await not_ready(service, "database", "damaged")
    await asyncio.gather(*(calls.call() for _ in range(20)))
    assert calls.acknowledged == []
    assert (await service.api.get(f"/v1/tasks/{job.task_id}"))["status"] == "completed"
    assert len(said(service)) <= 2 * LINES_AT_ITS_BEGINNING
    assert "darkroom rebuild" in await not_ready(service, "database", "damaged")
    assert await service.stop() == 0


async def test_syncs_that_fail_acknowledge_nothing_and_the_same_connection_is_sound_afterwards(
    start: Start, trace: Path
) -> None:
    service = await start()
    calls = await caller(service)
    await calls.call()
    async with sick_log(service, trace, "error=EIO"):
        await calls.until_refused()
        await not_ready(service, "database", "disk I/O error")
        acknowledged = len(calls.acknowledged)
        assert (await calls.call()).status_code == 503
    await ready(service)
    for _ in range(3):
        await calls.until_taken()
    await service.kill()
    await service.start()
    await calls.assert_nothing_lost()
    assert len(calls.acknowledged) == acknowledged + 3


async def test_a_commit_that_comes_after_its_503_makes_the_retry_a_duplicate_and_the_work_is_done_once(
    start: Start, trace: Path, image_host: ImageHost
) -> None:
    service = await start()
    url = await service.api.mint()
    job = new_job(image_host, lambda picture: (whole(picture),))
    async with sick_log(service, trace, "delay_enter=5500000"):
        answer = await call_back(service.api.client, url, job.body)
        assert (answer.status_code, 4 < answer.elapsed.total_seconds() < 7) == (503, True)
        assert "database" in await problems(service)
    await ready(service)

    async def taken() -> bool | None:
        return any(one["task_id"] == job.task_id for one in await service.api.all("/v1/callbacks")) or None

    await eventually(taken, what="the late commit")
    again = await call_back(service.api.client, url, job.body)
    assert (again.status_code, again.json()["status"]) == (200, "duplicate")
    await assert_archived(service, job)
    assert image_host.asked_for(job.links[0]) == 1
