"""An open file as a stream of blocks, read in threads by aiofiles."""

import asyncio
import os
import stat
from concurrent.futures import Executor
from io import BufferedReader
from pathlib import Path
from typing import TypeVar

from aiofiles.threadpool import wrap
from aiofiles.threadpool.binary import AsyncBufferedReader

from service.errors import StorageUnavailable
from service.storage import BLOCK_BYTES, Blocks

T = TypeVar("T")


def _no_follow(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)  # neither a link nor a pipe without a writer


async def open_blocks(path: Path, *, start: int, length: int | None, threads: Executor) -> Blocks | None:
    """At most `length` bytes of a regular file from `start`, or None for anything else. Raises OSError."""
    try:
        file = await _opened(path, threads)
    except IsADirectoryError:
        return None
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        await file.close()
        return None
    stream = _blocks(file, start=start, length=length)
    await anext(stream)  # once begun, it closes its file even when nobody reads it
    return stream


async def _opened(path: Path, threads: Executor) -> AsyncBufferedReader:
    """Has closed what is opened for somebody who was cancelled meanwhile, however often and whoever waits for it."""
    opening = asyncio.get_running_loop().run_in_executor(threads, _open, path)
    try:
        file: AsyncBufferedReader = wrap(await _ended(opening), executor=threads)
    except asyncio.CancelledError:
        opening.add_done_callback(_close_unwanted)
        raise
    return file


def _open(path: Path) -> BufferedReader:
    return open(path, "rb", opener=_no_follow)


def _close_unwanted(opening: "asyncio.Future[BufferedReader]") -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()


async def _ended(work: "asyncio.Future[T]") -> T:
    """Its result; who is cancelled waits for its end first, as a thread cannot be called back."""
    try:
        return await asyncio.shield(work)
    finally:
        if not work.done():
            await asyncio.wait([work])


async def _blocks(file: AsyncBufferedReader, *, start: int, length: int | None) -> Blocks:
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
        await _ended(asyncio.ensure_future(file.close()))
