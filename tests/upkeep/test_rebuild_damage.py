"""Rebuilding from an archive that is not sound: what is wrong is told, and the rest is there."""

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from service.catalog.catalog import Catalog
from service.domain.asset import AssetReason
from service.domain.attempt import Failed, Failure
from service.upkeep.findings import TO_REBUILD, Kind
from tests.support.deliveries import TASK
from tests.support.memory_store import MemoryStore
from tests.upkeep.kept_archive import Archive, Report, link_to, picture

LATER = timedelta(days=3)
REFUSED = Failed(Failure.HTTP_STATUS, "the host answers 503")


async def rebuilt(archive: Archive, *, verify_bytes: bool = False, later: timedelta = timedelta()) -> Report:
    """What a rebuild into a new database tells; the advice for all of it exists."""
    async with archive.without_database() as new:
        report = await new.rebuild(verify_bytes=verify_bytes, now=datetime.now(UTC) + later)
    assert set(report.kinds) <= set(TO_REBUILD)
    return report


async def test_a_missing_image_is_fetched_again_while_its_link_may_work(archive: Archive) -> None:
    await archive.keep(images=2)
    key = await archive.key(1)
    archive.path(key).unlink()
    async with archive.without_database() as new:
        [found] = (await new.rebuild()).findings
        assert (found.kind, found.key, found.done) == (Kind.MISSING, key, "pending")
        assert (await new.state()).task.settled_at is None
        await new.work()
        assert (await new.verify()).findings == []
    assert archive.path(key).read_bytes() == picture(link_to(TASK, 1))


async def test_a_missing_image_whose_link_is_over_is_dead_and_says_so(archive: Archive) -> None:
    await archive.keep(images=2)
    archive.path(await archive.key(1)).unlink()
    async with archive.without_database() as new:
        [found] = (await new.rebuild(now=datetime.now(UTC) + LATER)).findings
        assert found.done == "dead"
        state = await new.state()
        assert [asset.reason for asset in state.assets] == [None, AssetReason.LOST]
        assert state.task.settled_at is not None
        await new.work()
        assert (await new.verify()).findings == []


async def test_an_image_of_another_size_counts_as_lost_without_reading_it(archive: Archive) -> None:
    await archive.keep()
    with archive.path(await archive.key()).open("ab") as file:
        file.write(b"x")
    [found] = (await rebuilt(archive)).findings
    assert (found.kind, found.done) == (Kind.WRONG_SIZE, "pending")


async def test_a_flipped_byte_is_found_where_bytes_are_verified(archive: Archive) -> None:
    await archive.keep()
    archive.flip_a_byte(await archive.key())
    assert (await rebuilt(archive)).findings == []
    [found] = (await rebuilt(archive, verify_bytes=True, later=LATER)).findings
    assert (found.kind, found.done) == (Kind.WRONG_HASH, "dead")


async def test_an_image_that_cannot_be_read_is_told_and_not_given_up(tmp_path: Path, catalog: Catalog) -> None:
    """It may only belong to another user since a backup was put back."""
    barred: list[str] = []
    store = MemoryStore(tmp_path, ill=lambda verb, key: "denied" if verb == "read" and key in barred else None)
    archive = Archive(tmp_path, catalog, store)
    await archive.keep("task-a", "task-b")
    barred += [await archive.key(0, "task-a"), await archive.sidecar("task-b")]
    report = await rebuilt(archive, verify_bytes=True, later=LATER)
    assert report.kinds == [Kind.UNREADABLE] * 2
    assert (report.rebuilt.tasks, report.rebuilt.archived) == (1, 1)


async def test_half_a_sidecar_is_told_and_the_rest_goes_on(archive: Archive) -> None:
    await archive.keep("task-a", "task-b", images=2)
    path = archive.path(await archive.sidecar("task-a"))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    report = await rebuilt(archive)
    [found] = report.findings
    assert (found.kind, found.task_id, "2 other files" in found.detail) == (Kind.SIDECAR_UNREADABLE, "task-a", True)
    assert report.rebuilt.tasks == 1


async def test_a_sidecar_of_a_newer_schema_is_left_to_a_newer_version(archive: Archive) -> None:
    await archive.keep("task-a", "task-b")
    path = archive.path(await archive.sidecar("task-a"))
    path.write_text(path.read_text().replace("darkroom/task/1", "darkroom/task/2"))
    report = await rebuilt(archive)
    assert (report.kinds, report.rebuilt.tasks) == ([Kind.SIDECAR_NEWER], 1)


async def test_images_without_a_sidecar_are_told_one_by_one(archive: Archive) -> None:
    await archive.keep("task-a", "task-b", images=2)
    archive.path(await archive.sidecar("task-a")).unlink()
    report = await rebuilt(archive)
    assert report.kinds == [Kind.NO_SIDECAR] * 2
    assert [finding.key for finding in report.findings] == [await archive.key(n, "task-a") for n in (0, 1)]


async def test_what_no_sidecar_tells_of_is_told_and_left_where_it_is(archive: Archive) -> None:
    await archive.keep(images=2)
    home = await archive.home()
    strays = {
        "thesis.txt": Kind.UNKNOWN_FILE,
        f"{home}/notes.txt": Kind.UNKNOWN_FILE,
        f"{home}/7-{'a' * 12}.png": Kind.UNKNOWN_FILE,
        f"{home}/1-{'a' * 12}.png": Kind.LEFTOVER,
    }
    for key in strays:
        archive.path(key).write_text("stray")
    objects = archive.objects()
    report = await rebuilt(archive)
    assert {finding.key: finding.kind for finding in report.findings} == strays
    assert archive.objects() == objects


async def put_beside(archive: Archive, index: int, body: bytes) -> str:
    """Store bytes under the name that they would have as an image; the key."""
    key = f"{await archive.home()}/{index}-{hashlib.sha256(body).hexdigest()[:12]}.png"
    archive.path(key).write_bytes(body)
    return key


@pytest.mark.parametrize("body", [b"", b"no image", picture("somewhere")[:99]])
async def test_bytes_that_are_no_image_do_not_become_one(archive: Archive, body: bytes) -> None:
    await archive.complete()
    await archive.work({link_to(TASK, 0): REFUSED})
    key = await put_beside(archive, 0, body)
    report = await rebuilt(archive)
    assert [(finding.kind, finding.key) for finding in report.findings] == [(Kind.LEFTOVER, key)]
    assert report.rebuilt.pending == 1


async def test_an_image_under_a_name_that_does_not_follow_from_it_is_not_taken(archive: Archive) -> None:
    await archive.complete()
    await archive.work({link_to(TASK, 0): REFUSED})
    key = f"{await archive.home()}/0-{'a' * 12}.png"
    archive.path(key).write_bytes(picture("somewhere"))
    assert (await rebuilt(archive)).kinds == [Kind.LEFTOVER]


async def test_bytes_of_a_deleted_image_do_not_come_back_under_another_number(archive: Archive) -> None:
    await archive.complete(images=2)
    await archive.work({link_to(TASK, 1): REFUSED})
    body = archive.path(await archive.key(0)).read_bytes()
    await archive.delete(0)
    await archive.work()
    await put_beside(archive, 1, body)
    report = await rebuilt(archive)
    assert (report.kinds, report.rebuilt.archived, report.rebuilt.pending) == ([Kind.LEFTOVER], 0, 1)


async def test_another_image_of_the_same_number_takes_the_place_of_a_lost_one(archive: Archive) -> None:
    """It had been lost and fetched again, and the new sidecar was not written any more."""
    await archive.keep()
    archive.path(await archive.key()).unlink()
    key = await put_beside(archive, 0, picture("fetched again"))
    async with archive.without_database() as new:
        [found] = (await new.rebuild()).findings
        assert (found.kind, found.done) == (Kind.MISSING, "archived")
        assert await new.key() == key
        await new.work()
        assert (await new.verify()).findings == []


@pytest.mark.parametrize("task_id", ["../../../etc", "a/b/c"])
async def test_a_sidecar_that_names_another_place_makes_no_path(archive: Archive, task_id: str) -> None:
    await archive.keep()
    path = archive.path(await archive.sidecar())
    path.write_text(path.read_text().replace(f'"{TASK}"', f'"{task_id}"'))
    report = await rebuilt(archive)
    assert (report.kinds, report.rebuilt.tasks) == ([Kind.SIDECAR_UNREADABLE], 0)
