"""An open file as a stream of blocks, read in threads by aiofiles."""

import os
import stat
from collections.abc import AsyncIterator
from concurrent.futures import Executor
from pathlib import Path

import aiofiles
from aiofiles.threadpool.binary import AsyncBufferedReader

from service.errors import StorageUnavailable
from service.storage import BLOCK_BYTES


def _no_follow(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)  # neither a link nor a pipe without a writer


async def open_blocks(path: Path, *, start: int, length: int | None, threads: Executor) -> AsyncIterator[bytes] | None:
    """At most `length` bytes of a regular file from `start`, or None for anything else. Raises OSError."""
    try:
        file = await aiofiles.open(path, "rb", opener=_no_follow, executor=threads)
    except IsADirectoryError:
        return None
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        await file.close()
        return None
    stream = _blocks(file, start=start, length=length)
    await anext(stream)  # once begun, it closes its file even when nobody reads it
    return stream


async def _blocks(file: AsyncBufferedReader, *, start: int, length: int | None) -> AsyncIterator[bytes]:
    """An empty block first; raises StorageUnavailable when the disk fails."""
    left = length
    try:
        yield b""
        await file.seek(start)
        while left is None or left > 0:
            block = await file.read(BLOCK_BYTES if left is None else min(BLOCK_BYTES, left))
            if not block:
                return
            left = None if left is None else left - len(block)
            yield block
    except OSError as error:
        raise StorageUnavailable(f"the stored bytes cannot be read: {error.strerror}") from error
    finally:
        await file.close()
