"""Keeps rendered images on disk up to a number of bytes and makes dropped ones again; drawing happens on threads.

The directory belongs to this object alone; whoever made it removes it.
"""

import asyncio
import contextlib
import hashlib
import os
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from service.simulator.images import Picture, render

THREADS = min(4, max(1, (os.cpu_count() or 1) - 1))
"""One core is left to the event loop and to whatever is being tested."""


@dataclass(frozen=True, slots=True)
class Bytes:
    """What is known of an image's true bytes."""

    sha256: str
    size: int


class ImageShelf:
    """A bounded cache of images on disk; the least recently used ones go first."""

    def __init__(self, directory: Path, *, most_bytes: int) -> None:
        self._directory = directory
        self._most_bytes = most_bytes
        self._sizes: OrderedDict[str, int] = OrderedDict()
        self._total = 0
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="stand-in-image")

    @property
    def total(self) -> int:
        """Bytes on disk now."""
        return self._total

    async def measure(self, picture: Picture) -> Bytes:
        """Draw an image, or read it, and say what its bytes are."""
        data = await self.read(picture)
        return Bytes(sha256=hashlib.sha256(data).hexdigest(), size=len(data))

    async def read(self, picture: Picture) -> bytes:
        """The image's bytes; a few MB at most."""
        data = await asyncio.get_running_loop().run_in_executor(self._threads, self._load, picture)
        self._note(picture.file_name, len(data))
        return data

    def _load(self, picture: Picture) -> bytes:
        path = self._directory / picture.file_name
        try:
            return path.read_bytes()
        except FileNotFoundError:
            data = render(picture)
            part = path.with_name(f"{path.name}.{os.urandom(4).hex()}")
            with contextlib.suppress(OSError):  # a full disk costs time only: the image is drawn again
                part.write_bytes(data)
                part.replace(path)
            return data

    def _note(self, file_name: str, size: int) -> None:
        """Count an image as just used, and drop others until there is room for it."""
        self._total += size - self._sizes.pop(file_name, 0)
        self._sizes[file_name] = size
        while self._total > self._most_bytes and len(self._sizes) > 1:
            dropped, bytes_less = self._sizes.popitem(last=False)
            self._total -= bytes_less
            (self._directory / dropped).unlink(missing_ok=True)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exception: object) -> None:
        self._threads.shutdown(wait=True, cancel_futures=True)
