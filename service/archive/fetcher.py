"""From an untrusted link to proven bytes in a staged file, or a reason why not. It decides nothing about what follows.

In a running service this is done in a process of its own, by `service.fetching`.

The file is whole, hashed and identified, but not yet durable: fsync belongs to who stores it. Blocks are written and
hashed where they arrive, not in threads, by aiofiles or otherwise: those and the one that decrypts would take the
interpreter's lock from each other hundreds of times for an image. So nothing else of this process goes on while a disk
keeps a write waiting, and what failed meanwhile says nothing of its link. Only the look at the whole file, which may be
made to take long, has a thread.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from service.archive.staged_file import StagedFile
from service.domain.attempt import Failed, Failure
from service.domain.image import Image
from service.errors import StorageUnavailable, Unavailable
from service.outbound.failure import own_fault
from service.outbound.guarded_client import Answer, GetError, GuardedClient
from service.outbound.retry_after import retry_after

BLOCK = 128 * 1024
"""Bytes written and hashed at once; with what TLS and the stream hold, a download takes about 1 MiB of memory."""

SLOW_WRITE = 0.05
"""Seconds from which on a write was kept waiting by the disk: usual ones take less than a hundredth of that."""

HELD_UP, HELD_UP_SHARE = 1.0, 0.1
"""Seconds, and which part of the time that a link had, for which such writes may keep everything else waiting, and
nobody else has failed because of it."""

_OK = 200
_GONE = frozenset({403, 404, 410})
_ASKS_TO_WAIT = frozenset({429, 503})
_BY_LATENESS = frozenset({Failure.UNREACHABLE, Failure.TRUNCATED})


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
    """Fetches links into files; caps in bytes and pixels, `total_timeout` in seconds for one link, like `clock`."""

    def __init__(
        self,
        *,
        client: GuardedClient,
        max_bytes: int,
        max_pixels: int,
        total_timeout: float,
        now: Callable[[], datetime] = _utc_now,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._max_bytes = max_bytes
        self._max_pixels = max_pixels
        self._total_timeout = total_timeout
        self._now = now
        self._clock = clock
        self._waited = 0.0  # seconds for which writes have kept all others waiting, so far

    async def fetch(self, link: str, path: Path) -> Fetched | Failed:
        """Fetch one link into a file that is not there yet, and prove it.

        Raises StorageUnavailable when our own disk does not take the bytes, and
        Unavailable when this process can open no connection: neither says anything of the link.

        No file stays behind unless the outcome is Fetched, cancellation included.
        """
        staged, began, waited = StagedFile(path), self._clock(), self._waited
        outcome: Fetched | Failed | None = None
        try:
            async with asyncio.timeout(self._total_timeout):
                outcome = await self._attempt(link, staged)
        except TimeoutError:
            outcome = Failed(Failure.UNREACHABLE, f"not finished within {self._total_timeout:g} s")
        except GetError as error:
            if (lacking := own_fault(error, error.failed)) is not None:
                raise Unavailable(f"no connection can be opened: {lacking}") from error
            outcome = error.failed
        finally:
            if not isinstance(outcome, Fetched):
                staged.discard()
        if isinstance(outcome, Failed) and outcome.failure in _BY_LATENESS:
            held_up = self._waited - waited
            if held_up > max(HELD_UP, HELD_UP_SHARE * (self._clock() - began)):
                raise StorageUnavailable(f"the disk of {path.parent} kept a download waiting for {held_up:.1f} s")
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
                    self._write(parts, staged)
                    held = 0
        self._write(parts, staged)
        announced = _announced(answer)
        if announced is not None and received != announced:
            return Failed(Failure.TRUNCATED, f"{answer.host} sent {received} of {announced} bytes")
        if received == 0:
            return Failed(Failure.TRUNCATED, f"{answer.host} sent an empty body")
        return None

    def _write(self, parts: list[bytes], staged: StagedFile) -> None:
        began = self._clock()
        staged.write(parts)
        if (took := self._clock() - began) > SLOW_WRITE:
            self._waited += took

    def _too_large(self, answer: Answer) -> Failed:
        return Failed(Failure.TOO_LARGE, f"{answer.host} sends more than the {self._max_bytes} bytes allowed")


def _announced(answer: Answer) -> int | None:
    """The length that was announced; with a transfer coding Content-Length means nothing (RFC 9112 section 6.3)."""
    length = answer.headers.get("Content-Length", "")
    known = "Transfer-Encoding" not in answer.headers and length.isascii() and length.isdigit()
    return int(length) if known else None
