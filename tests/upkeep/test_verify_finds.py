"""What verify finds: each kind of damage by its name, and nothing where nothing is wrong."""

import json
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from service.catalog.catalog import Catalog
from service.catalog.tasks import TaskState
from service.domain.asset import Stored
from service.errors import NotFound, StorageUnavailable
from service.upkeep.findings import TO_REBUILD, TO_VERIFY, Finding, Kind
from tests.support.deliveries import TASK, task_object
from tests.support.memory_store import MemoryStore
from tests.upkeep.kept_archive import Archive


def only(findings: list[Finding]) -> Finding:
    [finding] = findings
    return finding


async def test_a_sound_archive_is_all_well_and_all_of_it_was_looked_at(archive: Archive) -> None:
    await archive.keep("task-a", "task-b", images=2)
    await archive.arrive(task_object("failed", "task-c"))
    await archive.keep("task-d")
    await archive.delete(0, "task-d")
    await archive.work()
    report = await archive.verify()
    assert report.findings == []
    assert (report.seen.tasks, report.seen.images, report.seen.sidecars) == (4, 4, 4)
    assert report.seen.files == len(archive.objects()) == 8
    assert report.seen.size == sum(len(body) for key, body in archive.objects().items() if "task.json" not in key)


async def test_an_empty_archive_is_all_well(archive: Archive) -> None:
    assert (await archive.verify()).findings == []


@pytest.mark.parametrize("quick", [False, True])
async def test_a_missing_image_is_named(archive: Archive, quick: bool) -> None:
    await archive.keep(images=2)
    archive.path(await archive.key(1)).unlink()
    found = only((await archive.verify(quick=quick)).findings)
    assert (found.kind, found.key, found.task_id, found.index) == (Kind.MISSING, await archive.key(1), TASK, 1)


@pytest.mark.parametrize("quick", [False, True])
async def test_an_image_of_another_size_is_named(archive: Archive, quick: bool) -> None:
    await archive.keep()
    with archive.path(await archive.key()).open("ab") as file:
        file.write(b"x")
    found = only((await archive.verify(quick=quick)).findings)
    assert (found.kind, found.key) == (Kind.WRONG_SIZE, await archive.key())


async def test_one_flipped_byte_is_found_where_images_are_read(archive: Archive) -> None:
    await archive.keep(images=3)
    archive.flip_a_byte(await archive.key(2))
    assert (await archive.verify(quick=True)).findings == []
    found = only((await archive.verify()).findings)
    assert (found.kind, found.index) == (Kind.WRONG_HASH, 2)
    stored = (await archive.state()).assets[2].stored
    assert stored is not None
    assert stored.sha256 in found.detail


async def test_an_image_that_cannot_be_read_is_named_and_the_rest_is_looked_at(archive: Archive) -> None:
    await archive.keep("task-a", "task-b")
    path = archive.path(await archive.key(0, "task-a"))
    path.rename(path.with_suffix(".moved"))
    path.symlink_to(path.with_suffix(".moved"))
    report = await archive.verify()
    assert sorted(report.kinds) == [Kind.UNKNOWN_FILE, Kind.UNREADABLE]
    assert report.seen.images == 2


async def save(archive: Archive, after: TaskState) -> None:
    """Change rows as another hand would."""
    before = await archive.state(after.task.id)
    await archive.catalog.write(lambda tx: tx.tasks.save([(before, after)]))


async def test_a_row_whose_key_does_not_follow_from_its_hash_is_named_and_no_such_path_is_read(
    archive: Archive,
) -> None:
    await archive.keep()
    state = await archive.state()
    stored = state.assets[0].stored
    assert stored is not None
    wrong = Stored("../../outside", stored.sha256, stored.size, stored.image)
    await save(archive, replace(state, assets=(replace(state.assets[0], stored=wrong),)))
    report = await archive.verify()
    assert Kind.WRONG_KEY in report.kinds
    assert Kind.MISSING not in report.kinds


async def test_a_settled_task_without_its_sidecar_is_named(archive: Archive) -> None:
    await archive.keep()
    archive.path(await archive.sidecar()).unlink()
    found = only((await archive.verify()).findings)
    assert (found.kind, found.key) == (Kind.SIDECAR_MISSING, await archive.sidecar())


async def test_half_a_sidecar_is_named(archive: Archive) -> None:
    await archive.keep()
    path = archive.path(await archive.sidecar())
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert only((await archive.verify()).findings).kind is Kind.SIDECAR_UNREADABLE


async def test_a_sidecar_of_a_newer_schema_is_not_called_damaged(archive: Archive) -> None:
    await archive.keep()
    path = archive.path(await archive.sidecar())
    path.write_text(path.read_text().replace("darkroom/task/1", "darkroom/task/2"))
    found = only((await archive.verify()).findings)
    assert (found.kind, "newer version" in TO_VERIFY[found.kind]) == (Kind.SIDECAR_NEWER, True)


async def test_a_sidecar_from_an_old_backup_is_stale(archive: Archive) -> None:
    await archive.keep()
    path = archive.path(await archive.sidecar())
    before = path.read_bytes()
    await archive.delete(0)
    await archive.work()
    path.write_bytes(before)
    assert only((await archive.verify()).findings).kind is Kind.SIDECAR_STALE


async def test_a_sidecar_that_shows_an_earlier_version_is_stale(archive: Archive) -> None:
    await archive.keep()
    path = archive.path(await archive.sidecar())
    document = json.loads(path.read_bytes())
    path.write_text(json.dumps({**document, "version": document["version"] - 1}))
    assert only((await archive.verify()).findings).kind is Kind.SIDECAR_STALE


async def test_a_catalog_from_an_old_backup_is_behind_its_sidecars(archive: Archive) -> None:
    await archive.keep()
    path = archive.path(await archive.sidecar())
    document = json.loads(path.read_bytes())
    path.write_text(json.dumps({**document, "version": document["version"] + 1}))
    assert only((await archive.verify()).findings).kind is Kind.SIDECAR_AHEAD


@pytest.mark.parametrize(
    ("place", "change"),
    [
        ("task", {"status": "failed"}),
        ("task", {"prompt": "another one"}),
        ("task", {"settled_at": None}),
        ("evidence", {"confirmed": True}),
        ("evidence", {"token_id": "tok-2"}),
    ],
)
async def test_a_sidecar_that_says_otherwise_than_the_catalog_is_named(
    archive: Archive, place: str, change: dict[str, object]
) -> None:
    await archive.keep()
    path = archive.path(await archive.sidecar())
    document = json.loads(path.read_bytes())
    document[place].update(change)
    path.write_text(json.dumps(document))
    found = only((await archive.verify()).findings)
    assert found.kind is Kind.SIDECAR_CONTRADICTS
    assert next(iter(change)) in found.detail


async def test_what_is_told_after_settling_and_what_is_bookkeeping_contradicts_nothing(archive: Archive) -> None:
    """Attempts and the text of a failure move on without the version."""
    await archive.keep()
    state = await archive.state()
    asset = replace(state.assets[0], attempts=9, detail="later", revivals=2)
    task = replace(state.task, callback_rank=state.task.rank, expected_images=5)
    await save(archive, TaskState(task, (asset,)))
    assert (await archive.verify()).findings == []


async def test_files_of_tasks_that_nobody_knows_are_named(archive: Archive) -> None:
    await archive.keep("task-a", "task-b")
    home = await archive.home("task-b")
    async with archive.without_database() as new:
        report = await new.verify()
    assert set(report.kinds) == {Kind.UNKNOWN_TASK}
    assert len(report.findings) == 4
    assert {finding.key for finding in report.findings if finding.task_id == "task-b"} == {
        key for key in archive.objects() if key.startswith(home)
    }


async def test_strays_are_named_by_what_they_are(archive: Archive) -> None:
    await archive.keep(images=2)
    home = await archive.home()
    strays = {
        "thesis.txt": Kind.UNKNOWN_FILE,
        f"{home}/notes.txt": Kind.UNKNOWN_FILE,
        f"{home}/00-{'a' * 12}.png": Kind.UNKNOWN_FILE,
        f"{home}/1-{'a' * 12}.png": Kind.LEFTOVER,
        f"{home}/2-{'a' * 12}.png": Kind.LEFTOVER,
        f"evolink/2020/01/01/{TASK}/0-{'a' * 12}.png": Kind.LEFTOVER,
        f"evolink/2020/01/01/{TASK}/task.json": Kind.LEFTOVER,
        "evolink/2020/01/01/task-other/task.json": Kind.UNKNOWN_TASK,
    }
    for key in strays:
        archive.path(key).parent.mkdir(parents=True, exist_ok=True)
        archive.path(key).write_text("stray")
    report = await archive.verify()
    assert {finding.key: finding.kind for finding in report.findings} == strays


async def test_bytes_of_a_deleted_image_are_named_once_they_should_be_gone(archive: Archive) -> None:
    await archive.keep(images=2)
    key, body = await archive.key(1), archive.path(await archive.key(1)).read_bytes()
    await archive.delete(1)
    assert (await archive.verify()).findings == [], "the purge is on its way"
    await archive.work()
    archive.path(key).write_bytes(body)
    found = only((await archive.verify()).findings)
    assert (found.kind, found.key) == (Kind.DELETED_BYTES, key)


async def test_a_staged_file_is_named_when_it_is_older_than_a_day(archive: Archive) -> None:
    await archive.keep()
    left = archive.store.staging / "left.part"
    left.write_bytes(b"half")
    assert (await archive.verify()).findings == []
    now = datetime.now(UTC) + timedelta(days=1, minutes=1)
    found = only((await archive.verify(now=now)).findings)
    assert (found.kind, found.key) == (Kind.STAGED, str(left))


async def test_only_the_tasks_that_were_asked_for_are_looked_at(archive: Archive) -> None:
    await archive.keep("task-a", "task-b", images=2)
    for task_id in ("task-a", "task-b"):
        archive.flip_a_byte(await archive.key(0, task_id))
    archive.path(f"{await archive.home('task-b')}/1-{'a' * 12}.png").write_bytes(b"stray")
    report = await archive.verify("task-b")
    assert [(finding.task_id, finding.kind) for finding in report.findings] == [
        ("task-b", Kind.WRONG_HASH),
        ("task-b", Kind.LEFTOVER),
    ]
    assert (report.seen.tasks, report.seen.files) == (1, 4)
    with pytest.raises(NotFound, match="task-none"):
        await archive.verify("task-none")


async def test_pages_leave_nothing_out(tmp_path: Path, catalog: Catalog) -> None:
    archive = Archive(tmp_path, catalog, MemoryStore(tmp_path))
    for number in range(130):
        await archive.arrive(task_object("failed", f"task-{number:03}"))
    await archive.work()
    report = await archive.verify()
    assert (report.findings, report.seen.tasks, report.seen.files) == ([], 130, 130)


async def test_an_archive_whose_disk_is_not_mounted_is_unavailable_and_nothing_is_concluded(archive: Archive) -> None:
    await archive.keep()
    (archive.folder / "archive").rename(archive.folder / "elsewhere")
    with pytest.raises(StorageUnavailable):
        await archive.verify(repair=True)
    (archive.folder / "archive" / ".staging").mkdir(parents=True)
    with pytest.raises(StorageUnavailable, match="mounted"):
        await archive.verify(repair=True)
    assert (await archive.state()).assets[0].stored is not None
    assert os.listdir(archive.folder / "archive") == [".staging"]


def test_there_is_advice_for_every_kind() -> None:
    assert {*TO_VERIFY, *TO_REBUILD} == set(Kind)
    assert set(Kind) - set(TO_VERIFY) == {Kind.NO_SIDECAR}
