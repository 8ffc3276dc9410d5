"""Objects as files below one folder, durable when a verb returns: fsync, rename, fsync of the folder.

It never follows a symbolic link out of its folder, and never makes the folder anew once opened: a disk that was
unmounted is unavailable, not empty, and the disk below its mount point is not filled instead. What marks an archive is
its staging folder; when that is back, work goes on.
"""

import asyncio
import errno
import os
import secrets
import stat
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TypeVar

from service.storage import Blocks, Entry, checked_key
from service.storage.blocks import open_blocks
from service.storage.disk import cleaned, disk_trouble, room
from service.storage.durable import Folders, make_root, move_across, sync_file, sync_folder
from service.storage.listing import walk

T = TypeVar("T")

STAGING = ".staging"
_PROBE = ".probe-"
_THREADS = 16
_WRITERS = 4
"""Files that are synced at once. What commits to the database on the same disk waits behind them, and a disk is as busy
with four as with more."""

_LISTED_AT_ONCE = 256
_ABSENT = (FileNotFoundError, NotADirectoryError)


class FilesystemStore:
    """An ObjectStore on a disk. `open` comes first. Threads of its own, so that a slow disk slows nothing else, and
    what is written slows nothing that is read."""

    def __init__(self, root: Path) -> None:
        self._root = Path(os.path.realpath(root))
        self._folders = Folders(self._root)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="store")
        self._writers = ThreadPoolExecutor(_WRITERS, thread_name_prefix="store-write")

    @property
    def staging(self) -> Path:
        return self._root / STAGING

    def open(self, *, expected: bool = False) -> None:
        """Make the folder if it is missing; safe beside another process. Raises StorageUnavailable.

        `expected`: it must hold objects already, so where there are none its disk is missing: nothing is made then, and
        every verb raises StorageUnavailable until it is back.
        """
        with self._told():
            if not expected or self.is_filled():
                make_root(self._root)
                make_root(self.staging)

    def is_filled(self) -> bool:
        """Whether objects lie here; hidden files and a new disk's lost+found are none."""
        return self._root.is_dir() and any(not one.name.startswith((".", "lost+found")) for one in self._root.iterdir())

    def clean_staging(self, *, older_than: float = 0.0) -> int:
        """Remove what a crash left behind, and say how many files; who holds no server lock spares what is young."""
        with self._told():
            if not self.staging.is_dir():
                return 0
            left = cleaned(self.staging, older_than=older_than)
            return left + cleaned(self._root, f"{_PROBE}*", older_than=older_than)

    async def put(self, key: str, staged: Path) -> None:
        target = self._path(key)
        await self._written(partial(self._put, staged, target))

    async def replace(self, key: str, data: bytes) -> None:
        target = self._path(key)
        await self._written(partial(self._replace, data, target))

    async def size(self, key: str) -> int | None:
        return await self._in_thread(partial(self._size, self._path(key)))

    async def read(self, key: str, start: int = 0, length: int | None = None) -> Blocks | None:
        path = self._path(key)
        await self._in_thread(partial(self._require_inside, path))
        with self._told():
            try:
                return await open_blocks(path, start=start, length=length, threads=self._threads)
            except _ABSENT:
                self._require_mounted()
                return None

    async def delete(self, key: str) -> bool:
        return await self._written(partial(self._delete, self._path(key)))

    async def list(self, prefix: str = "") -> AsyncIterator[Entry]:
        entries = walk(self._root, prefix)
        while page := await self._in_thread(lambda: [*islice(entries, _LISTED_AT_ONCE)]):
            for entry in page:
                yield entry
        await self._in_thread(self._require_mounted)

    async def free_bytes(self) -> int | None:
        return await self._in_thread(self._free_bytes)

    async def presign(self, key: str, seconds: int, *, head: bool = False) -> str | None:  # noqa: ARG002 - no URLs
        return None

    async def check(self) -> None:
        probe = self._root / f"{_PROBE}{secrets.token_hex(6)}"
        await self._in_thread(partial(self._probe, probe))

    def _put(self, staged: Path, target: Path) -> None:
        sync_file(staged)
        self._require_inside(target)
        try:
            self._folders.move_in(staged, target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            here = self._staged_name()
            move_across(staged, here)
            self._folders.move_in(here, target)

    def _replace(self, data: bytes, target: Path) -> None:
        staged = self._staged_name()
        try:
            with staged.open("xb") as file:
                file.write(data)
            self._put(staged, target)
        finally:
            staged.unlink(missing_ok=True)

    def _size(self, path: Path) -> int | None:
        try:
            self._require_inside(path)
            found = path.lstat()
        except _ABSENT:
            self._require_mounted()
            return None
        return found.st_size if stat.S_ISREG(found.st_mode) else None

    def _delete(self, path: Path) -> bool:
        try:
            self._require_inside(path)
            path.unlink()
            there_was = True
        except (*_ABSENT, IsADirectoryError):
            self._require_mounted()
            there_was = False
        # also when it was gone: a crash may have come between an earlier unlink and its sync
        self._folders.sync_above(path)
        self._folders.prune(path.parent)
        return there_was

    def _probe(self, probe: Path) -> None:
        try:
            self._replace(b"probe", probe)
        finally:
            probe.unlink(missing_ok=True)
        sync_folder(self._root)

    def _free_bytes(self) -> int:
        self._require_mounted()
        return room(self._root, self.staging)

    def _path(self, key: str) -> Path:
        return self._root / checked_key(key)

    def _staged_name(self) -> Path:
        return self.staging / secrets.token_hex(16)

    def _require_inside(self, path: Path) -> None:
        """Raise OSError when a symbolic link lies on the way from the root to the object, or in its place."""
        if os.path.realpath(path) != str(path):
            raise OSError(errno.ELOOP, "a symbolic link stands in the way", str(path))

    def _require_mounted(self) -> None:
        """Raise OSError when the store itself is gone: then nothing is known about what it holds."""
        if not self.staging.is_dir():
            gone = f"its folder {STAGING} is missing" if self._root.is_dir() else "the folder is gone"
            raise FileNotFoundError(errno.ENOENT, gone, str(self._root))

    async def _in_thread(self, work: Callable[[], T]) -> T:
        with self._told():
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    async def _written(self, work: Callable[[], T]) -> T:
        with self._told():
            return await asyncio.get_running_loop().run_in_executor(self._writers, work)

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn an OSError into what is wrong with the store and what to do about it."""
        try:
            yield
        except OSError as error:
            raise disk_trouble("the archive", error, self._root) from error
