"""The store on a disk: what every store does, and what only a disk can do wrong."""

import asyncio
import errno
import gc
import os
import resource
import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from service.errors import StorageUnavailable
from service.storage.blocks import open_blocks
from service.storage.filesystem import FilesystemStore
from tests.storage.conformance import KEY, ObjectStoreConformance, listed, stored, whole
from tests.system.support.waiting import eventually


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "data" / "archive"


@pytest.fixture
def store(root: Path) -> FilesystemStore:
    opened = FilesystemStore(root)
    opened.open()
    return opened


class TestFilesystemStore(ObjectStoreConformance):
    pass


async def test_files_lie_under_their_keys_and_are_private(store: FilesystemStore, root: Path) -> None:
    await stored(store, KEY)
    assert (root / KEY).read_bytes() == b"image"
    assert (root / KEY).stat().st_mode & 0o777 == 0o640
    assert (root / KEY).parent.stat().st_mode & 0o007 == 0


async def test_opening_again_keeps_what_is_stored_and_staged(store: FilesystemStore, root: Path) -> None:
    await stored(store, KEY)
    (store.staging / "under way").write_bytes(b"half")
    again = FilesystemStore(root)
    again.open()
    assert await whole(again, KEY) == b"image"
    assert (store.staging / "under way").exists()


async def test_cleaning_removes_what_a_crash_left_behind(store: FilesystemStore, root: Path) -> None:
    (store.staging / "half").write_bytes(b"half")
    (root / ".probe-1").write_bytes(b"probe")
    await stored(store, KEY)
    assert store.clean_staging() == 2
    assert list(store.staging.iterdir()) == []
    assert await whole(store, KEY) == b"image"


async def test_cleaning_beside_others_spares_what_may_be_theirs(store: FilesystemStore) -> None:
    for name, age in (("theirs", 0), ("nobody's", 4000)):
        (store.staging / name).write_bytes(b"half")
        written = time.time() - age
        os.utime(store.staging / name, (written, written))
    assert store.clean_staging(older_than=3600) == 1
    assert [path.name for path in store.staging.iterdir()] == ["theirs"]


async def test_deleting_prunes_empty_folders_and_no_others(store: FilesystemStore, root: Path) -> None:
    await stored(store, "a/b/c/1")
    await stored(store, "a/2")
    await store.delete("a/b/c/1")
    assert not (root / "a/b").exists()
    assert await whole(store, "a/2") == b"image"
    await store.delete("a/2")
    assert sorted(path.name for path in root.iterdir()) == [".staging"]


async def test_a_put_beside_deletes_in_its_folder_is_never_lost(store: FilesystemStore) -> None:
    async def delete_again_and_again() -> None:
        for _ in range(300):
            await store.replace("a/b/c/other", b"")
            await store.delete("a/b/c/other")

    async def put_and_look(name: str) -> None:
        for number in range(100):
            key = f"a/b/c/{name}{number}"
            await store.replace(key, b"kept")
            assert await store.size(key) == 4
            await store.delete(key)

    await asyncio.gather(delete_again_and_again(), put_and_look("x"), put_and_look("y"), put_and_look("z"))
    assert await listed(store) == []


async def test_a_store_that_vanished_is_unavailable_and_not_empty(store: FilesystemStore, root: Path) -> None:
    await stored(store, KEY)
    root.rename(root.with_name("unmounted"))
    for verb in (store.size(KEY), store.read(KEY), store.delete(KEY), store.replace(KEY, b""), listed(store)):
        with pytest.raises(StorageUnavailable, match="mount or restore it"):
            await verb
    assert not root.exists()


async def test_an_empty_folder_in_the_place_of_the_store_is_not_believed(store: FilesystemStore, root: Path) -> None:
    await stored(store, KEY)
    root.rename(root.with_name("unmounted"))
    root.mkdir()
    for verb in (store.size(KEY), store.delete(KEY), store.replace(KEY, b""), listed(store), store.free_bytes()):
        with pytest.raises(StorageUnavailable, match="mount or restore it"):
            await verb
    with pytest.raises(StorageUnavailable):
        await store.check()
    assert list(root.iterdir()) == []


async def test_a_symbolic_link_out_of_the_store_is_not_followed(
    store: FilesystemStore, root: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"secret")
    (root / "folder").symlink_to(outside)
    (root / "file").symlink_to(outside / "secret")
    for verb in (
        store.read("folder/secret"),
        store.read("file"),
        store.size("file"),
        store.replace("folder/new", b""),
        store.delete("folder/secret"),
        stored(store, "file"),
    ):
        with pytest.raises(StorageUnavailable, match="symbolic link"):
            await verb
    assert await listed(store) == []
    assert [path.name for path in outside.iterdir()] == ["secret"]
    assert (outside / "secret").read_bytes() == b"secret"


async def test_a_staged_symbolic_link_is_refused(store: FilesystemStore, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    (store.staging / "link").symlink_to(tmp_path / "secret")
    with pytest.raises(StorageUnavailable):
        await store.put(KEY, store.staging / "link")
    assert await store.size(KEY) is None


async def test_a_root_that_is_itself_a_link_is_fine(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "archive").symlink_to(tmp_path / "disk")
    store = FilesystemStore(tmp_path / "archive")
    store.open()
    await stored(store, KEY)
    assert (tmp_path / "disk" / KEY).exists()


async def test_names_that_are_no_keys_are_not_listed(store: FilesystemStore, root: Path) -> None:
    (root / "lost+found").mkdir()
    (root / "lost+found" / "x").touch()
    (root / ".hidden").touch()
    Path(os.fsdecode(os.fsencode(root) + b"/not-utf8-\xff")).touch()
    os.mkfifo(root / "pipe")
    await stored(store, "a")
    assert [entry.key for entry in await listed(store)] == ["a"]
    assert await store.read("pipe") is None
    assert await store.size("pipe") is None


async def test_a_file_where_a_folder_is_needed_is_told(store: FilesystemStore) -> None:
    await stored(store, "a")
    with pytest.raises(StorageUnavailable, match="the archive cannot be used"):
        await stored(store, "a/b")
    assert await whole(store, "a") == b"image"


async def test_a_failed_put_leaves_the_staged_file_to_its_owner(store: FilesystemStore) -> None:
    await stored(store, "a")
    staged = store.staging / "staged"
    staged.write_bytes(b"image")
    with pytest.raises(StorageUnavailable):
        await store.put("a/b", staged)
    assert staged.exists()


@pytest.fixture
def small_files_only() -> Iterator[None]:
    """The kernel refuses files of more than 64 KiB, as a full disk would."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (65536, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.usefixtures("small_files_only")
async def test_a_write_that_the_disk_refuses_leaves_the_old_object_and_no_remains(store: FilesystemStore) -> None:
    await store.replace(KEY, b"old")
    with pytest.raises(StorageUnavailable, match=os.strerror(errno.EFBIG)):
        await store.replace(KEY, b"x" * 100_000)
    assert await whole(store, KEY) == b"old"
    assert list(store.staging.iterdir()) == []


async def test_a_folder_of_another_user_is_told_with_what_to_do(root: Path) -> None:
    root.parent.mkdir()
    root.write_bytes(b"a file, not a folder")
    with pytest.raises(StorageUnavailable, match=str(root)):
        FilesystemStore(root).open()


def descriptors_of(path: Path) -> int:
    """How many of this process's descriptors are open on a file."""
    found = 0
    for link in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):
            found += os.readlink(link) == str(path)
    return found


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")
async def test_streams_close_their_file_whether_read_to_the_end_or_abandoned(
    store: FilesystemStore, root: Path
) -> None:
    path = root.resolve() / KEY
    await stored(store, KEY, b"x" * 1_000_000)
    await whole(store, KEY)
    never_read = await store.read(KEY)
    half_read = await store.read(KEY)
    assert half_read is not None
    await anext(half_read)
    assert descriptors_of(path) >= 2
    del never_read, half_read
    async with asyncio.timeout(10):
        while descriptors_of(path):  # a thread may hold on to its last read for a moment
            gc.collect()
            await asyncio.sleep(0.001)


@pytest.mark.skipif(not os.path.ismount("/dev/shm"), reason="needs a second filesystem at /dev/shm")
class SlowToTell(ThreadPoolExecutor):
    """Does what it is told at once, and tells of it when it is let."""

    def __init__(self) -> None:
        super().__init__(max_workers=1)
        self.done, self.may_tell = Event(), Event()

    def submit(self, work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        def slowly() -> Any:
            result = work(*args, **kwargs)
            self.done.set()
            self.may_tell.wait(10)
            return result

        return super().submit(slowly)


@pytest.mark.parametrize("times", [1, 2])
async def test_a_reader_that_gives_up_while_its_file_is_opened_leaves_it_closed(tmp_path: Path, times: int) -> None:
    """However often it is told to give up: whoever waits for it may be told so at every turn of the loop."""
    path = tmp_path / "image"
    path.write_bytes(b"bytes")
    with SlowToTell() as threads:
        reading = asyncio.create_task(open_blocks(path, start=0, length=None, threads=threads))
        await asyncio.to_thread(threads.done.wait, 10)
        assert descriptors_of(path) == 1
        for _ in range(times):
            reading.cancel()
            await asyncio.sleep(0)
        asyncio.get_running_loop().call_later(0.05, threads.may_tell.set)
        with pytest.raises(asyncio.CancelledError):
            await reading

        async def closed() -> bool | None:
            return descriptors_of(path) == 0 or None

        await eventually(closed, what="the file is closed")
    gc.collect()  # a file that nobody closed would be told of here


async def test_a_staged_file_on_another_filesystem_is_copied(store: FilesystemStore, root: Path) -> None:
    elsewhere = Path("/dev/shm") / f"staged-{os.getpid()}-{root.parent.parent.name}"
    if os.stat("/dev/shm").st_dev == root.stat().st_dev:
        pytest.skip("/dev/shm is the filesystem that tests use too")
    try:
        elsewhere.write_bytes(b"image")
        await store.put(KEY, elsewhere)
        assert not elsewhere.exists()
    finally:
        elsewhere.unlink(missing_ok=True)
    assert await whole(store, KEY) == b"image"
    assert list(store.staging.iterdir()) == []


async def test_an_archive_can_be_moved_as_plain_files(store: FilesystemStore, root: Path, tmp_path: Path) -> None:
    await stored(store, KEY)
    shutil.copytree(root, tmp_path / "copy")
    copy = FilesystemStore(tmp_path / "copy")
    copy.open()
    assert await listed(copy) == await listed(store)


async def test_files_that_take_long_to_write_keep_no_reads_waiting(store: FilesystemStore, tmp_path: Path) -> None:
    await stored(store, KEY)
    pipes = [tmp_path / f"{number}.part" for number in range(32)]
    for pipe in pipes:
        os.mkfifo(pipe)  # opening it takes as long as nobody writes
    puts = [asyncio.create_task(store.put(f"a/{number}.png", pipe)) for number, pipe in enumerate(pipes)]
    assert await asyncio.wait_for(store.size(KEY), 10) == len(b"image")
    assert not any(put.done() for put in puts)
    ends = [await asyncio.to_thread(os.open, pipe, os.O_WRONLY) for pipe in pipes]
    outcomes = await asyncio.gather(*puts, return_exceptions=True)
    assert all(isinstance(one, StorageUnavailable) for one in outcomes)  # a pipe cannot be synced
    for end in ends:
        os.close(end)
