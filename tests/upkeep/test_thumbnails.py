"""Thumbnails in the archive: no tool takes them for images or for strays, and none outlives a deleted image."""

from pathlib import Path

from service.catalog.catalog import Catalog
from service.domain.thumbnail import SIZES, pictured, thumbnail_key
from service.storage.filesystem import FilesystemStore
from service.upkeep.findings import Kind
from tests.support.deliveries import TASK
from tests.upkeep.kept_archive import Archive
from tests.upkeep.moving import move, objects_in

OTHER = f"{TASK}-other"


async def show(archive: Archive, *indexes: int, task_id: str = TASK) -> list[str]:
    """Put thumbnails of images into the store; their keys."""
    keys = [thumbnail_key(await archive.key(index, task_id), size) for index in indexes for size in SIZES]
    for key in keys:
        await archive.store.replace(key, b"RIFF")
    return keys


def thumbnails(archive: Archive) -> list[str]:
    return sorted(key for key in archive.objects() if pictured(key))


async def test_a_deleted_images_thumbnails_go_with_it_and_no_others(archive: Archive) -> None:
    await archive.keep(TASK, OTHER, images=2)
    gone = await show(archive, 0)
    stay = await show(archive, 1) + await show(archive, 0, 1, task_id=OTHER)
    await archive.delete(0)
    assert thumbnails(archive) == sorted(gone + stay)
    await archive.work()
    assert thumbnails(archive) == sorted(stay)


async def test_verify_does_not_mind_them_and_does_not_count_them(archive: Archive) -> None:
    await archive.keep(images=2)
    before = await archive.verify()
    await show(archive, 0, 1)
    after = await archive.verify()
    assert (after.findings, after.seen) == ([], before.seen)
    assert (await archive.verify(TASK)).findings == []


async def test_verify_finds_what_still_shows_a_deleted_image_and_removes_it(archive: Archive) -> None:
    await archive.keep(images=2)
    left = await show(archive, 0)
    stay = await show(archive, 1)
    for key in left:
        archive.path(key).rename(archive.folder / key.replace("/", "_"))
    await archive.delete(0)
    await archive.work()
    for key in left:
        await archive.store.replace(key, b"RIFF")
    for tasks in ((), (TASK,)):
        found = await archive.verify(*tasks)
        assert [(one.kind, one.key) for one in found.findings] == [(Kind.DELETED_BYTES, key) for key in sorted(left)]
    assert {one.done for one in (await archive.verify(repair=True)).findings} == {"removed"}
    assert thumbnails(archive) == sorted(stay)
    assert (await archive.verify()).findings == []


async def test_what_only_looks_like_one_is_a_stray(archive: Archive) -> None:
    await archive.keep()
    await archive.store.replace("thumbnails/notes.txt", b"mine")
    assert (await archive.verify()).kinds == [Kind.UNKNOWN_FILE]


async def test_rebuild_passes_over_them(archive: Archive) -> None:
    await archive.keep(images=2)
    kept = await show(archive, 0, 1)
    async with archive.without_database() as fresh:
        report = await fresh.rebuild()
        assert (report.findings, report.rebuilt.tasks, report.rebuilt.archived) == ([], 1, 2)
        assert thumbnails(fresh) == sorted(kept)
        assert (await fresh.verify()).findings == []


async def test_copy_leaves_them_behind_and_takes_those_of_deleted_images_away(
    archive: Archive, catalog: Catalog, tmp_path: Path
) -> None:
    await archive.keep(images=2)
    gone, stay = await show(archive, 0), await show(archive, 1)
    there = FilesystemStore(tmp_path / "there")
    there.open()
    report = await move(catalog, stores=(archive.store, there), journal=tmp_path / "copying")
    assert (report.findings, report.copied.strangers) == ([], 0)
    assert {key for key in archive.objects() if not pictured(key)} == set(await objects_in(there))
    for key in gone + stay:
        await there.replace(key, b"RIFF")
    await archive.delete(0)
    await archive.work()
    report = await move(catalog, stores=(archive.store, there), journal=tmp_path / "copying")
    assert report.findings == []
    assert sorted(key for key in await objects_in(there) if pictured(key)) == sorted(stay)
