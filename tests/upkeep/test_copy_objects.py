"""Copying an archive into another store: everything, once, as it is; what is wrong in either is told or mended."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from service.archive.sidecar_reader import LONGEST
from service.errors import Conflict, StorageUnavailable
from service.storage.filesystem import FilesystemStore
from service.upkeep.copy_journal import open_copy_journal
from service.upkeep.copy_objects import TOGETHER
from service.upkeep.findings import Kind
from tests.support.deliveries import TASK
from tests.support.memory_store import MemoryStore
from tests.upkeep.kept_archive import Archive
from tests.upkeep.moving import Killed, Report, move, objects_in

NOTHING = "e3b0c44298fc"
"""The first digits of the hash of no bytes."""


class Reading:
    """Notes which objects are read, and refuses those that are named."""

    def __init__(self, *refused: str) -> None:
        self.refused = refused
        self.read: list[str] = []

    def __call__(self, verb: str, key: str) -> str | None:
        if verb == "read":
            self.read.append(key)
        return "a bad sector" if verb == "read" and key in self.refused else None


@pytest.fixture
def target(tmp_path: Path) -> FilesystemStore:
    store = FilesystemStore(tmp_path / "target")
    store.open()
    return store


def path_in(tmp_path: Path, key: str) -> Path:
    return tmp_path / "target" / key


async def copied(archive: Archive, target: FilesystemStore | MemoryStore) -> Report:
    return await move(archive.catalog, stores=(archive.store, target), journal=archive.folder / "journal")


async def in_memory(archive: Archive, ill: Callable[[str, str], str | None]) -> MemoryStore:
    """The archive's objects in a store whose reading is watched."""
    store = MemoryStore(archive.folder / "staging", ill=ill)
    store.objects.update(archive.objects())
    return store


def spoiled(data: bytes) -> bytes:
    return bytes([data[0] ^ 1]) + data[1:]


async def test_everything_is_there_afterwards_and_nothing_is_left_on_its_way(
    archive: Archive, target: FilesystemStore
) -> None:
    await archive.keep("task-a", "task-b", images=3)
    report = await copied(archive, target)
    assert await objects_in(target) == archive.objects()
    assert (report.findings, report.copied.objects, len(archive.objects())) == ([], 8, 8)
    assert report.copied.size == sum(map(len, archive.objects().values()))
    assert list(target.staging.iterdir()) == []
    assert not (archive.folder / "journal").exists()


async def test_what_is_there_already_is_passed_over(archive: Archive, target: FilesystemStore) -> None:
    await archive.keep()
    await copied(archive, target)
    await archive.keep("task-new")
    again = await copied(archive, target)
    assert (again.copied.there_already, again.copied.objects) == (2, 2)
    assert await objects_in(target) == archive.objects()


@pytest.mark.parametrize("spoil", [spoiled, lambda data: data[:-1], lambda data: b""])
async def test_wrong_bytes_in_the_target_are_noticed_and_mended(
    archive: Archive, target: FilesystemStore, tmp_path: Path, spoil: Callable[[bytes], bytes]
) -> None:
    await archive.keep(images=2)
    await copied(archive, target)
    for key in (await archive.key(1), await archive.sidecar()):
        path_in(tmp_path, key).write_bytes(spoil(path_in(tmp_path, key).read_bytes()))
    again = await copied(archive, target)
    assert (again.copied.mended, again.copied.there_already, again.findings) == (2, 1, [])
    assert await objects_in(target) == archive.objects()


async def test_a_quick_run_reads_no_image_that_is_there_and_copies_the_others(
    archive: Archive, target: FilesystemStore
) -> None:
    await archive.keep()
    await copied(archive, target)
    await archive.keep("task-new")
    reading = Reading()
    source = await in_memory(archive, reading)
    await move(archive.catalog, stores=(source, target), journal=archive.folder / "journal", quick=True)
    assert set(reading.read) == archive.objects().keys() - {await archive.key()}
    assert await objects_in(target) == archive.objects()


async def test_wrong_bytes_in_the_source_are_told_and_copied_as_they_are(
    archive: Archive, target: FilesystemStore
) -> None:
    await archive.keep(images=2)
    archive.flip_a_byte(await archive.key(0))
    archive.path(await archive.key(1)).write_bytes(b"short")
    report = await copied(archive, target)
    assert report.kinds == [Kind.WRONG_HASH, Kind.WRONG_SIZE]
    assert [finding.index for finding in report.findings] == [0, 1]
    assert await objects_in(target) == archive.objects()


async def test_bytes_that_no_row_tells_of_are_held_against_their_name(
    archive: Archive, target: FilesystemStore
) -> None:
    await archive.keep()
    for digits in ("0" * 12, NOTHING):
        archive.path(f"{await archive.home()}/7-{digits}.png").touch()
    report = await copied(archive, target)
    assert [(one.kind, one.index) for one in report.findings] == [(Kind.WRONG_HASH, 7)]
    assert await objects_in(target) == archive.objects()


async def test_right_bytes_in_the_target_are_not_replaced_by_wrong_ones(
    archive: Archive, target: FilesystemStore, tmp_path: Path
) -> None:
    await archive.keep()
    key = await archive.key()
    right = archive.path(key).read_bytes()
    await copied(archive, target)
    archive.flip_a_byte(key)
    assert (await copied(archive, target)).kinds == [Kind.WRONG_HASH]
    archive.path(key).unlink()
    assert (await copied(archive, target)).kinds == []
    assert path_in(tmp_path, key).read_bytes() == right


async def test_what_cannot_be_read_is_told_and_the_rest_is_copied(archive: Archive, target: FilesystemStore) -> None:
    await archive.keep(images=2)
    key, sidecar = await archive.key(0), await archive.sidecar()
    source = await in_memory(archive, Reading(key, sidecar))
    report = await move(archive.catalog, stores=(source, target), journal=archive.folder / "journal")
    assert [(one.kind, one.key) for one in report.findings] == [(Kind.UNREADABLE, key), (Kind.UNREADABLE, sidecar)]
    assert [*await objects_in(target)] == [await archive.key(1)]


async def test_a_sidecar_that_is_too_long_to_be_one_is_told(archive: Archive, target: FilesystemStore) -> None:
    await archive.keep()
    with archive.path(await archive.sidecar()).open("r+b") as file:
        file.truncate(LONGEST + 1)
    assert (await copied(archive, target)).kinds == [Kind.SIDECAR_UNREADABLE]
    assert [*await objects_in(target)] == [await archive.key()]


async def test_strangers_are_counted_and_left(archive: Archive, target: FilesystemStore) -> None:
    await archive.keep()
    await archive.store.replace("notes/readme.txt", b"mine")
    await target.replace("others/readme.txt", b"theirs")
    report = await copied(archive, target)
    assert (report.copied.strangers, report.copied.objects) == (1, 2)
    assert (await objects_in(target)).keys() == (archive.objects().keys() | {"others/readme.txt"}) - {
        "notes/readme.txt"
    }


async def test_what_was_deleted_since_goes_from_the_target_too(archive: Archive, target: FilesystemStore) -> None:
    await archive.keep(images=2)
    await copied(archive, target)
    await archive.delete(0)
    await archive.work()
    again = await copied(archive, target)
    assert (again.copied.removed, again.copied.mended) == (1, 1), "the sidecar tells of it"
    assert await objects_in(target) == archive.objects()


async def more_than_a_page(archive: Archive) -> str:
    """Keep more objects than the journal is told of at once; returns the first key."""
    await archive.keep()
    for number in range(TOGETHER):
        archive.path(f"{await archive.home()}/{number + 1}-{NOTHING}.png").touch()
    return await archive.key()


async def test_an_interrupted_run_goes_on_and_reads_no_image_twice(archive: Archive, target: FilesystemStore) -> None:
    await more_than_a_page(archive)
    first, second = Reading(), Reading()
    journal = archive.folder / "journal"

    async def run(watch: Reading, stop_at: int) -> Report:
        stores = (await in_memory(archive, watch), target)
        return await move(
            archive.catalog, stores=stores, journal=journal, stop_when=lambda done: done.objects >= stop_at
        )

    with pytest.raises(Killed):
        await run(first, TOGETHER + 1)
    report = await run(second, 10**6)
    assert set(second.read) == {*sorted(archive.objects())[TOGETHER:]}
    assert report.copied.objects + report.copied.there_already == len(archive.objects())
    assert await objects_in(target) == archive.objects()


async def test_what_came_below_the_place_of_the_interruption_is_copied_too(
    archive: Archive, target: FilesystemStore
) -> None:
    journal = archive.folder / "journal"
    await archive.keep("task-b")
    interrupt(journal, **{"from": "here"}, to="there", quick="False")
    await archive.keep("task-a")
    with pytest.raises(Killed):
        await move(
            archive.catalog, stores=(archive.store, target), journal=journal, stop_when=lambda done: done.objects > 0
        )
    assert journal.read_text().splitlines()[-1] == '{"after": ""}', "what was just written is not proven"
    await copied(archive, target)
    assert await objects_in(target) == archive.objects()


@pytest.mark.long
async def test_findings_of_an_interrupted_run_are_told_again(archive: Archive, target: FilesystemStore) -> None:
    archive.flip_a_byte(await more_than_a_page(archive))
    with pytest.raises(Killed):
        await move(
            archive.catalog,
            stores=(archive.store, target),
            journal=archive.folder / "journal",
            stop_when=lambda done: done.objects > TOGETHER,
        )
    assert (await copied(archive, target)).kinds == [Kind.WRONG_HASH]


async def test_files_that_a_killed_run_left_are_removed_and_those_of_others_are_not(
    archive: Archive, target: FilesystemStore
) -> None:
    await archive.keep()
    for name in ("copy-0123.part", "another.part"):
        (target.staging / name).touch()
    await copied(archive, target)
    assert [path.name for path in target.staging.iterdir()] == ["another.part"]


async def test_one_copy_at_a_time(archive: Archive, target: FilesystemStore) -> None:
    with (
        open_copy_journal(archive.folder / "journal", ends={}),
        pytest.raises(Conflict, match="another `darkroom copy` is at work"),
    ):
        await copied(archive, target)


def interrupt(journal: Path, **ends: str) -> None:
    """Leave the journal of a run that came as far as `evolinkz`, behind all that an archive holds."""
    with suppress(Killed), open_copy_journal(journal, ends=ends) as opened:
        opened.note([], "evolinkz")
        raise Killed


async def test_a_journal_of_another_move_is_not_trusted(tmp_path: Path) -> None:
    interrupt(tmp_path / "journal", to="elsewhere")
    with open_copy_journal(tmp_path / "journal", ends={"to": "here"}) as journal:
        assert journal.after == ""


async def test_a_line_that_was_cut_short_does_not_count(tmp_path: Path) -> None:
    interrupt(tmp_path / "journal", to="here")
    with (tmp_path / "journal").open("ab") as file:
        file.write(b'{"after": "z"')
    with open_copy_journal(tmp_path / "journal", ends={"to": "here"}) as journal:
        assert journal.after == "evolinkz"


class Forgetful(MemoryStore):
    """It takes everything and keeps something else."""

    async def put(self, key: str, staged: Path) -> None:
        await super().put(key, staged)
        self.objects[key] = spoiled(self.objects[key])


async def test_a_target_that_keeps_other_bytes_ends_the_run(archive: Archive) -> None:
    await archive.keep()
    with pytest.raises(StorageUnavailable, match=f"{TASK}/.* reads back differently"):
        await copied(archive, Forgetful(archive.store.staging))


async def test_an_empty_archive_of_a_catalog_with_images_is_no_source(
    archive: Archive, target: FilesystemStore
) -> None:
    await archive.keep()
    for key in archive.objects():
        archive.path(key).unlink()
    with pytest.raises(StorageUnavailable, match="is its disk mounted"):
        await copied(archive, target)
