"""Disks that are full, read-only or gone: nothing acknowledged is lost, no attempt is burnt, and work resumes."""

import asyncio
import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.system.conftest import Start
from tests.system.support.answers import Gate, halted, nothing_here, whole
from tests.system.support.darkroom import Darkroom
from tests.system.support.image_host import ImageHost
from tests.system.support.jobs import Job, assert_archived, new_job
from tests.system.support.outage import LINES_AT_ITS_BEGINNING, Caller, caller, not_ready, ready, said
from tests.system.support.provider import call_back
from tests.system.support.small_disk import SmallDisk, mounted
from tests.system.support.waiting import eventually

pytestmark = pytest.mark.long


@pytest.fixture
def disks() -> Iterator[list[SmallDisk]]:
    """Disks to take away afterwards."""
    made: list[SmallDisk] = []
    yield made
    for disk in made:
        disk.unmount()


async def started_on(
    disks: list[SmallDisk], start: Start, place: str, *, mark: str = "0"
) -> tuple[Darkroom, SmallDisk]:
    """A service with a small disk at a place in its folder; `mark` is what must stay free."""
    service = await start(running=False, STORAGE__MIN_FREE_BYTES=mark)
    disk = mounted(service.folder / place, 24)
    if disk is None:
        pytest.skip("only root may mount a small disk")
    disks.append(disk)
    await service.start()
    return service, disk


async def halfway(caller: Caller, host: ImageHost) -> tuple[Job, Gate]:
    """A job that was acknowledged and whose image is on its way: what has come of it is not on disk yet.

    Half of it is less than is written at once: no disk becomes read-only while a file on it is open for writing.
    """
    gate = Gate()
    job = new_job(host, lambda picture: (halted(picture, gate), whole(picture)), side=250)
    assert (await call_back(caller.service.api.client, caller.url, job.body)).status_code == 202
    await asyncio.wait_for(gate.reached.wait(), 20)
    return job, gate


async def archived(caller: Caller, host: ImageHost) -> Any:
    """The one asset of a job that is done."""
    job = new_job(host, lambda picture: (whole(picture),))
    assert (await call_back(caller.service.api.client, caller.url, job.body)).status_code == 202
    await assert_archived(caller.service, job)
    return (await caller.service.api.get(f"/v1/tasks/{job.task_id}"))["assets"][0]


async def still_reads(service: Darkroom, asset: Any) -> None:
    assert (await service.api.client.get(asset["content_url"])).status_code == 200
    assert await service.api.get("/v1/tasks")


async def test_a_full_disk_under_database_and_archive_loses_nothing_and_work_goes_on_when_there_is_room(
    disks: list[SmallDisk], start: Start, image_host: ImageHost
) -> None:
    service, disk = await started_on(disks, start, "data")
    calls = await caller(service)
    asset = await archived(calls, image_host)
    job, gate = await halfway(calls, image_host)
    disk.fill()
    await calls.until_refused()
    await not_ready(service, "database", "full", "free some space")
    await still_reads(service, asset)
    disk.empty()
    gate.opened.set()
    await ready(service)
    await calls.until_taken()
    await assert_archived(service, job)  # with one attempt: the disk was not the image's fault
    await calls.assert_nothing_lost()
    assert len(said(service)) <= 2 * LINES_AT_ITS_BEGINNING
    assert await service.stop() == 0
    assert service.archive.staged() == []


async def test_a_full_archive_keeps_images_waiting_while_callbacks_are_still_taken(
    disks: list[SmallDisk], start: Start, image_host: ImageHost
) -> None:
    service, disk = await started_on(disks, start, "data/archive")
    calls = await caller(service)
    job, gate = await halfway(calls, image_host)
    disk.fill()
    gate.opened.set()

    async def paused() -> bool | None:
        return any(line["event"] == "work_paused" and line["worker"] == "archive" for line in said(service)) or None

    await eventually(paused, what="downloads wait")
    assert (await calls.call()).status_code == 202
    disk.empty()
    await assert_archived(service, job)
    await calls.assert_nothing_lost()


async def test_below_the_mark_callbacks_and_downloads_wait_while_reads_and_deletes_go_on(
    disks: list[SmallDisk], start: Start, image_host: ImageHost
) -> None:
    service, disk = await started_on(disks, start, "data", mark="8 MiB")
    calls = await caller(service)
    asset = await archived(calls, image_host)
    job = new_job(image_host, lambda picture: (nothing_here(), whole(picture)))
    await call_back(service.api.client, calls.url, job.body)
    disk.fill(leave=6 * 2**20)
    await not_ready(service, "storage", "DARKROOM_STORAGE__MIN_FREE_BYTES")
    await calls.until_refused()
    await still_reads(service, asset)
    assert (await service.api.client.delete(f"/v1/assets/{asset['id']}")).is_success
    await until_gone(service, asset["object_key"])
    await until_overdue(service, job)
    assert image_host.asked_for(job.links[0]) == 1
    disk.empty()
    await service.api.settled(job.task_id)
    assert image_host.asked_for(job.links[0]) == 2
    await calls.until_taken()
    await calls.assert_nothing_lost()


async def until_gone(service: Darkroom, object_key: str) -> None:
    async def look() -> bool | None:
        with contextlib.suppress(FileNotFoundError):
            service.archive.bytes_of(object_key)
            return None
        return True

    await eventually(look, what="the deleted bytes are gone")


async def until_overdue(service: Darkroom, job: Job) -> None:
    """Wait until the next attempt at a job's image would have been made, were it allowed."""

    async def look() -> bool | None:
        (asset,) = (await service.api.get(f"/v1/tasks/{job.task_id}"))["assets"]
        due = asset["next_attempt_at"] and datetime.fromisoformat(asset["next_attempt_at"])
        return (due and (datetime.now(UTC) - due).total_seconds() > 1.2) or None

    await eventually(look, what="the image is overdue", every=0.2)


async def test_an_archive_that_is_read_only_stops_callbacks_until_it_takes_images_again(
    disks: list[SmallDisk], start: Start, image_host: ImageHost
) -> None:
    service, disk = await started_on(disks, start, "data/archive")
    calls = await caller(service)
    asset = await archived(calls, image_host)
    job, gate = await halfway(calls, image_host)
    disk.remount("ro")
    gate.opened.set()
    await not_ready(service, "storage", "Read-only file system", "mount it writable")
    await calls.until_refused()
    await still_reads(service, asset)
    disk.remount("rw")
    await calls.until_taken()
    await assert_archived(service, job)
    await calls.assert_nothing_lost()


async def test_an_archive_whose_disk_went_away_is_not_begun_anew_below_its_mount_point(
    start: Start, image_host: ImageHost
) -> None:
    service = await start()
    calls = await caller(service)
    job, gate = await halfway(calls, image_host)
    archive, away = service.folder / "data" / "archive", service.folder / "away"
    archive.rename(away)
    archive.mkdir()  # what a mount point is without its disk
    gate.opened.set()
    await not_ready(service, "storage", "mount or restore it")
    await calls.until_refused()
    await service.run("doctor")  # a command must not make it look like an archive either
    assert list(archive.iterdir()) == []
    back(away, archive)
    await calls.until_taken()
    await assert_archived(service, job)
    await calls.assert_nothing_lost()


async def test_a_data_directory_that_went_away_takes_nothing_in_and_is_worked_with_when_it_is_back(
    start: Start, image_host: ImageHost
) -> None:
    service = await start()
    calls = await caller(service)
    await archived(calls, image_host)
    data, away = service.folder / "data", service.folder / "away"
    data.rename(away)
    data.mkdir()
    assert (await calls.call()).status_code == 503, "nothing is ever written to files without a name"
    await not_ready(service, "database", "Put the same files back")
    assert list(data.iterdir()) == []
    back(away, data)
    await calls.until_taken()
    await archived(calls, image_host)
    await calls.assert_nothing_lost()
    assert len(said(service)) <= 2 * LINES_AT_ITS_BEGINNING


def back(away: Path, place: Path) -> None:
    """Put a directory back where an empty one stands."""
    place.rmdir()
    away.rename(place)


async def test_a_start_without_the_disk_of_the_archive_waits_for_it_and_begins_no_other(
    start: Start, image_host: ImageHost
) -> None:
    service = await start()
    calls = await caller(service)
    asset = await archived(calls, image_host)
    assert await service.stop() == 0
    archive, away = service.folder / "data" / "archive", service.folder / "away"
    archive.rename(away)
    archive.mkdir()
    await service.start()
    await not_ready(service, "storage", "mount or restore it")
    await calls.until_refused()
    assert list(archive.iterdir()) == []
    back(away, archive)
    await calls.until_taken()
    await still_reads(service, asset)
    await archived(calls, image_host)
