"""A disk that fails, goes away or takes no writes: told, never papered over, and good again when it is back."""

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.errors import StorageUnavailable
from service.storage.filesystem import FilesystemStore
from tests.storage.test_durability import strace_works

KEY = "day/task/0.png"


@pytest.fixture
def store(tmp_path: Path) -> FilesystemStore:
    store = FilesystemStore(tmp_path / "archive")
    store.open()
    return store


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A disk of 1 MiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], check=False, capture_output=True)
    if mounted.returncode:
        pytest.skip("only root may mount a small disk")
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


def staged(store: FilesystemStore, data: bytes = b"image") -> Path:
    path = store.staging / "staged"
    path.write_bytes(data)
    return path


async def test_a_full_disk_is_told_leaves_no_remains_and_takes_bytes_again(small: Path) -> None:
    store = FilesystemStore(small / "archive")
    store.open()
    await store.replace("day/task/old", b"old")
    (small / "ballast").write_bytes(bytes((await store.free_bytes() or 0) - 8192))
    with pytest.raises(StorageUnavailable, match=r"No space left on device.*free some space"):
        await store.replace(KEY, bytes(64 * 1024))
    assert (list(store.staging.iterdir()), await store.size(KEY)) == ([], None)
    assert await store.delete("day/task/old")
    (small / "ballast").unlink()
    await store.replace(KEY, bytes(64 * 1024))
    assert await store.size(KEY) == 64 * 1024


async def test_a_disk_that_is_mounted_read_only_is_ill_before_anything_is_written(small: Path) -> None:
    store = FilesystemStore(small / "archive")
    store.open()
    subprocess.run(["mount", "-o", "remount,ro", small], check=True)
    with pytest.raises(StorageUnavailable, match=r"Read-only file system.*mount it writable"):
        await store.free_bytes()
    subprocess.run(["mount", "-o", "remount,rw", small], check=True)
    assert await store.free_bytes()


async def test_an_archive_that_must_be_there_is_not_made_and_counts_when_it_arrives(tmp_path: Path) -> None:
    root = tmp_path / "archive"
    store = FilesystemStore(root)
    store.open(expected=True)
    assert (store.clean_staging(), root.exists()) == (0, False)
    root.mkdir()  # as a mount point is, while its disk is away
    for verb in (store.free_bytes(), store.check(), store.replace(KEY, b"image"), store.size(KEY)):
        with pytest.raises(StorageUnavailable, match="mount or restore it, and work goes on"):
            await verb
    assert list(root.iterdir()) == []
    (root / ".staging").mkdir()
    await store.replace(KEY, b"image")


async def test_a_store_that_vanishes_takes_nothing_and_goes_on_when_it_is_back(
    store: FilesystemStore, tmp_path: Path
) -> None:
    await store.replace(KEY, b"image")
    root = tmp_path / "archive"
    root.rename(tmp_path / "away")
    root.mkdir()
    for verb in (store.replace("day/other/0.png", b"x"), store.free_bytes(), store.delete(KEY)):
        with pytest.raises(StorageUnavailable):
            await verb
    assert list(root.iterdir()) == []
    root.rmdir()
    (tmp_path / "away").rename(root)
    await store.replace("day/other/0.png", b"x")
    assert (await store.size(KEY), await store.size("day/other/0.png")) == (5, 1)


PUT = """
import asyncio, pathlib, sys
from service.errors import StorageUnavailable
from service.storage.filesystem import FilesystemStore

async def main():
    store = FilesystemStore(pathlib.Path(sys.argv[1]))
    store.open(expected=True)
    (store.staging / "staged").write_bytes(b"image")
    try:
        await store.put("day/task/0.png", store.staging / "staged")
    except StorageUnavailable as error:
        print(error)
    else:
        print("stored")

asyncio.run(main())
"""
LEFT_BY_FAILED_SYNC: dict[int, list[str]] = {1: [], 2: [], 3: ["day"], 4: ["day", "day/task", KEY]}
"""What a put leaves under final names when its first sync fails (of the file), its second (of the day's name) …"""


@pytest.mark.parametrize("sync", LEFT_BY_FAILED_SYNC)
def test_a_sync_that_fails_is_no_success_and_no_folder_without_a_durable_name_is_built_upon(
    store: FilesystemStore, tmp_path: Path, sync: int
) -> None:
    if not strace_works():
        pytest.skip("strace is missing or may not trace here")
    root = tmp_path / "archive"
    put = [sys.executable, "-c", PUT, str(root)]
    inject = [
        "strace",
        "-f",
        "-qq",
        "-o",
        "/dev/null",
        "-e",
        f"inject=fsync:error=EIO:when={sync}",
        "-e",
        "trace=fsync",
    ]
    failed = subprocess.run([*inject, *put], capture_output=True, text=True, check=True)
    assert f"{os.strerror(errno.EIO)} in {root}; look at the disk's health" in failed.stdout
    left = [path.relative_to(root).as_posix() for path in sorted(root.rglob("*")) if ".staging" not in path.parts]
    assert left == LEFT_BY_FAILED_SYNC[sync]
    assert subprocess.run(put, capture_output=True, text=True, check=True).stdout == "stored\n"


async def test_an_archive_that_was_restored_without_its_hidden_folder_is_worked_with(store: FilesystemStore) -> None:
    await store.put(KEY, staged(store))
    store.staging.rmdir()
    restored = FilesystemStore(store.staging.parent)
    restored.open(expected=True)
    await restored.put("day/task/1.png", staged(restored))
    assert [entry.key async for entry in restored.list()] == [KEY, "day/task/1.png"]


async def test_a_disk_without_its_hidden_folder_is_told_by_the_folders_name(store: FilesystemStore) -> None:
    store.staging.rmdir()
    with pytest.raises(StorageUnavailable, match=r"its folder \.staging is missing"):
        await store.free_bytes()
