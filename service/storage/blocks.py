"""An open file as a stream of blocks, read in threads."""

import asyncio
import os
import stat
from collections.abc import AsyncIterator
from concurrent.futures import Executor

from service.errors import StorageUnavailable
from service.storage import BLOCK_BYTES


class OpenFile:
    """A descriptor that closes with its last reference: a thread that reads holds one, an abandoned stream none."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @property
    def is_regular(self) -> bool:
        return stat.S_ISREG(os.fstat(self._descriptor).st_mode)

    def read(self, size: int, offset: int) -> bytes:
        return os.pread(self._descriptor, size, offset)

    def __del__(self) -> None:
        os.close(self._descriptor)


class Blocks(AsyncIterator[bytes]):
    """At most `length` bytes of a file from `start`. Raises StorageUnavailable when the disk does not give them."""

    def __init__(self, file: OpenFile, *, start: int, length: int | None, threads: Executor) -> None:
        self._file: OpenFile | None = file
        self._offset = start
        self._left = length
        self._threads = threads

    async def __anext__(self) -> bytes:
        wanted = BLOCK_BYTES if self._left is None else min(BLOCK_BYTES, self._left)
        if self._file is None or wanted <= 0:
            raise self._end()
        loop = asyncio.get_running_loop()
        try:
            block = await loop.run_in_executor(self._threads, self._file.read, wanted, self._offset)
        except OSError as error:
            self._file = None
            raise StorageUnavailable(f"the stored bytes cannot be read: {error.strerror}") from error
        if not block:
            raise self._end()
        self._offset += len(block)
        if self._left is not None:
            self._left -= len(block)
        return block

    def _end(self) -> StopAsyncIteration:
        self._file = None
        return StopAsyncIteration()
