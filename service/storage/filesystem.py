"""Images on a disk: fsync, rename, fsync of the directory. Nothing is ever half-written under its final name."""

import asyncio
import contextlib
import os
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import aiofiles

from service.errors import StorageUnavailable
from service.storage import BLOCK_BYTES

_STAGING = ".staging"


class FilesystemStore:
    """A folder as an object store."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.staging = root / _STAGING

    def open(self) -> None:
        """Make the folder and remove what a crash left staged; raises StorageUnavailable."""
        try:
            self.staging.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageUnavailable(f"{self._root}: {error.strerror}") from error
        for leftover in self.staging.iterdir():
            leftover.unlink(missing_ok=True)

    async def put(self, key: str, staged: Path) -> None:
        await asyncio.to_thread(self._put, self._path(key), staged)

    async def replace(self, key: str, data: bytes) -> None:
        await asyncio.to_thread(self._replace, self._path(key), data)

    async def size(self, key: str) -> int | None:
        with contextlib.suppress(FileNotFoundError):
            return (await asyncio.to_thread(self._path(key).stat)).st_size
        return None

    async def read(self, key: str, start: int = 0, length: int | None = None) -> AsyncIterator[bytes] | None:
        try:
            file = await aiofiles.open(self._path(key), "rb")
        except FileNotFoundError:
            return None
        await file.seek(start)

        async def blocks() -> AsyncIterator[bytes]:
            left = length if length is not None else -1
            async with file:
                while left != 0:
                    block = await file.read(BLOCK_BYTES if left < 0 else min(BLOCK_BYTES, left))
                    if not block:
                        return
                    left -= len(block) if left > 0 else 0
                    yield block

        return blocks()

    async def delete(self, key: str) -> bool:
        path = self._path(key)
        try:
            await asyncio.to_thread(path.unlink)
        except FileNotFoundError:
            return False
        return True

    async def free_bytes(self) -> int | None:
        try:
            found = os.statvfs(self._root)
        except OSError as error:
            raise StorageUnavailable(f"{self._root}: {error.strerror}") from error
        return found.f_bavail * found.f_frsize

    async def check(self) -> None:
        key = f"{_STAGING}/probe-{secrets.token_hex(4)}"
        await self.replace(key, b"probe")
        await self.delete(key)

    def _path(self, key: str) -> Path:
        return self._root / key

    def _put(self, path: Path, staged: Path) -> None:
        try:
            with staged.open("rb") as file:
                os.fsync(file.fileno())
            path.parent.mkdir(parents=True, exist_ok=True)
            staged.rename(path)
            descriptor = os.open(path.parent, os.O_RDONLY)
            os.fsync(descriptor)
            os.close(descriptor)
        except OSError as error:
            raise StorageUnavailable(f"{self._root}: {error.strerror}") from error

    def _replace(self, path: Path, data: bytes) -> None:
        staged = self.staging / secrets.token_hex(8)
        try:
            staged.write_bytes(data)
        except OSError as error:
            raise StorageUnavailable(f"{self._root}: {error.strerror}") from error
        self._put(path, staged)
