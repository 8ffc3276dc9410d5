"""A worker process as the service holds it: started, given one image at a time, killed when it does not come to an end.

It knows nothing of queues. What a hostile image does to the process is an answer, not an error.
"""

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import service
from service.decoding.answer import read_answer
from service.decoding.frames import ANSWER_WITHIN, LARGEST_ANSWER, LENGTH, READY, Order, frame, order_frame
from service.decoding.verdict import Unusable
from service.errors import Unavailable

START_WITHIN = 30.0

MOST_IMAGES = 500
"""That one process decodes, against memory that decoders leak: a limit is not to meet an image for those before it."""

MOST_BYTES = 128 * 2**20
"""Of an image; the archive takes 64 MiB by default."""

_ENVIRONMENT = {
    "PYTHONPATH": str(Path(service.__file__).parent.parent),
    "PYTHONDONTWRITEBYTECODE": "1",
    "VIPS_CONCURRENCY": "1",  # images go side by side, not their parts
    "MALLOC_ARENA_MAX": "1",  # a limit on addresses is one on memory then
}


class WorkerProcess:
    """One process. Not for two callers at a time."""

    def __init__(self, process: Process, *, most_images: int) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        self._stdin = process.stdin
        self._stdout = process.stdout
        self._left = most_images
        self._at_rest = True

    @classmethod
    async def start(cls, *, most_images: int = MOST_IMAGES) -> "WorkerProcess":
        """A process that is ready. Raises Unavailable where none can be had."""
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-P", "-m", "service.decoding.worker"),
                stdin=PIPE,
                stdout=PIPE,
                stderr=DEVNULL,
                env=_ENVIRONMENT | {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ},
                start_new_session=True,  # what is typed at a terminal is for the service
            )
        except OSError as error:
            raise Unavailable(f"no decoder can be started: {error.strerror}", retry_after=5) from None
        worker = cls(process, most_images=most_images)
        try:
            async with asyncio.timeout(START_WITHIN):
                ready = await worker._frame()
        except (TimeoutError, EOFError, OSError):
            ready = b""
        except BaseException:
            await worker.end()
            raise
        if ready != READY:
            await worker.end()
            raise Unavailable("a decoder does not come up: is libvips there?", retry_after=5)
        return worker

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_at_rest(self) -> bool:
        """Whether it lives, has answered what it was asked as it must, and may be asked again."""
        return self._at_rest and self._left > 0 and self._process.returncode is None

    async def decode(
        self, order: Order, blocks: AsyncIterator[bytes], *, within: float = ANSWER_WITHIN
    ) -> bytes | Unusable:
        """What is made of an image, or why nothing is. Raises what the blocks raise."""
        self._at_rest = False
        self._left -= 1
        try:
            async with asyncio.timeout(within):
                if not await self._sent(order, blocks):
                    return Unusable.TOO_LARGE
                answer = await self._frame()
        except TimeoutError:
            return Unusable.TOO_SLOW
        except EOFError:
            return Unusable.CRASHED
        made = read_answer(order, answer)
        self._at_rest = made is not None
        return Unusable.CRASHED if made is None else made

    async def end(self) -> None:
        """Kill it, and wait until nothing of it is left."""
        with suppress(ProcessLookupError):
            self._process.kill()
        self._stdin.close()
        await self._process.wait()
        with suppress(OSError):
            await self._stdin.wait_closed()

    async def _sent(self, order: Order, blocks: AsyncIterator[bytes]) -> bool:
        """Whether the image was not too large to be sent whole."""
        await self._write(order_frame(order))
        size = 0
        async for block in blocks:
            size += len(block)
            if size > MOST_BYTES:
                return False
            if block:  # an empty frame is the end
                await self._write(frame(block))
        await self._write(frame(b""))
        return True

    async def _write(self, data: bytes) -> None:
        self._stdin.write(data)
        with suppress(ConnectionError):  # it died: its silence will tell
            await self._stdin.drain()

    async def _frame(self) -> bytes:
        """Raises EOFError where the process is gone, or says what no worker says."""
        [length] = LENGTH.unpack(await self._stdout.readexactly(LENGTH.size))
        if not 0 < length <= LARGEST_ANSWER:
            raise EOFError
        return await self._stdout.readexactly(length)
