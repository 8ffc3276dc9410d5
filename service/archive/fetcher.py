"""From an untrusted link to proven bytes in a staged file, or a reason why not. It decides nothing about what follows.

In a running service this is done in a process of its own, by `service.fetching`.

The file is whole, hashed and identified, but not yet durable: fsync belongs to who stores it. aiofiles is not used,
because each of its calls is a visit to a thread: writing and hashing a block in one visit takes 0.9 of the CPU
(`tests/benchmarks/transport.py`).
"""

import asyncio
import errno
import os
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from service.archive.staged_file import StagedFile
from service.domain.attempt import Failed, Failure
from service.domain.image import Image
from service.errors import Unavailable
from service.outbound.guarded_client import Answer, GetError, GuardedClient
from service.outbound.retry_after import retry_after

BLOCK = 128 * 1024
"""Bytes written and hashed at once; with what TLS and the stream hold, a download takes about 1 MiB of memory."""

_OK = 200
_GONE = frozenset({403, 404, 410})
_ASKS_TO_WAIT = frozenset({429, 503})
_OURS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


@dataclass(frozen=True, slots=True)
class Fetched:
    """A proven image in a file that the caller owns now; `size` in bytes."""

    path: Path
    sha256: str
    size: int
    image: Image


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Fetcher:
    """Fetches links into files; caps in bytes and pixels, `total_timeout` in seconds for one link."""

    def __init__(
        self,
        *,
        client: GuardedClient,
        max_bytes: int,
        max_pixels: int,
        total_timeout: float,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._client = client
        self._max_bytes = max_bytes
        self._max_pixels = max_pixels
        self._total_timeout = total_timeout
        self._now = now

    async def fetch(self, link: str, path: Path) -> Fetched | Failed:
        """Fetch one link into a file that is not there yet, and prove it.

        Raises StorageUnavailable when our own disk does not take the bytes, and
        Unavailable when this process can open no connection: neither says anything of the link.

        No file stays behind unless the outcome is Fetched, cancellation included.
        """
        staged = StagedFile(path)
        outcome: Fetched | Failed | None = None
        try:
            async with asyncio.timeout(self._total_timeout):
                outcome = await self._attempt(link, staged)
        except TimeoutError:
            outcome = Failed(Failure.UNREACHABLE, f"not finished within {self._total_timeout:g} s")
        except GetError as error:
            _raise_if_ours(error)
            outcome = error.failed
        finally:
            if not isinstance(outcome, Fetched):
                staged.discard()
        return outcome

    async def _attempt(self, link: str, staged: StagedFile) -> Fetched | Failed:
        async with self._client.get(link) as answer:
            failed = self._judge(answer) or await self._receive(answer, staged)
        if failed is not None:
            return failed
        image = await staged.finish(max_pixels=self._max_pixels)
        if isinstance(image, Failed):
            return image
        return Fetched(path=staged.path, sha256=staged.sha256, size=staged.size, image=image)

    def _judge(self, answer: Answer) -> Failed | None:
        """Whether status and announced length make the body worth reading."""
        if answer.status in _GONE:
            return Failed(Failure.LINK_GONE, f"{answer.host} answered {answer.status}")
        if answer.status != _OK:  # a 206 too: nobody asked for a part
            asked = answer.headers.get("Retry-After") if answer.status in _ASKS_TO_WAIT else None
            wait = retry_after(asked, now=self._now())
            return Failed(Failure.HTTP_STATUS, f"{answer.host} answered {answer.status}", retry_after=wait)
        if (_announced(answer) or 0) > self._max_bytes:
            return self._too_large(answer)
        return None

    async def _receive(self, answer: Answer, staged: StagedFile) -> Failed | None:
        """Stream the body to the file, stopping at the cap; None when all of it arrived."""
        parts: list[bytes] = []
        held = received = 0
        async with aclosing(answer.blocks()) as blocks:
            async for block in blocks:
                received += len(block)
                if received > self._max_bytes:
                    return self._too_large(answer)
                parts.append(block)
                held += len(block)
                if held >= BLOCK:
                    await staged.append(parts)
                    parts, held = [], 0
        await staged.append(parts)
        announced = _announced(answer)
        if announced is not None and received != announced:
            return Failed(Failure.TRUNCATED, f"{answer.host} sent {received} of {announced} bytes")
        if received == 0:
            return Failed(Failure.TRUNCATED, f"{answer.host} sent an empty body")
        return None

    def _too_large(self, answer: Answer) -> Failed:
        return Failed(Failure.TOO_LARGE, f"{answer.host} sends more than the {self._max_bytes} bytes allowed")


def _raise_if_ours(error: GetError) -> None:
    """Raise Unavailable where a connection failed for want of descriptors or memory of our own.

    The resolver says only that it knows no answer, so whether a file can be opened is tried too.
    """
    cause: BaseException | None = error
    while cause is not None and getattr(cause, "errno", None) not in _OURS:
        cause = cause.__cause__
    try:
        if cause is None and error.failed.failure is Failure.UNREACHABLE:
            os.close(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
    except OSError as own:
        cause = own
    if cause is not None:
        raise Unavailable(f"no connection can be opened: {os.strerror(getattr(cause, 'errno', 0))}") from error


def _announced(answer: Answer) -> int | None:
    """The length that was announced; with a transfer coding Content-Length means nothing (RFC 9112 section 6.3)."""
    length = answer.headers.get("Content-Length", "")
    known = "Transfer-Encoding" not in answer.headers and length.isascii() and length.isdigit()
    return int(length) if known else None
