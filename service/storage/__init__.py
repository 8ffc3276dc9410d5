"""Bytes: what we keep. One narrow seam; absence is None or False, failure is StorageUnavailable."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol

BLOCK_BYTES = 256 * 1024


class ObjectStore(Protocol):
    """Where images and sidecars are kept. Keys are relative POSIX paths; a wrong one is a ValueError."""

    @property
    def staging(self) -> Path:
        """A directory for staged files from which `put` is cheap."""
        ...

    async def put(self, key: str, staged: Path) -> None:
        """Take a staged file over; durable when this returns, and the staged file is gone."""
        ...

    async def replace(self, key: str, data: bytes) -> None:
        """Write a small object, in place of an older one if there is one; atomic and durable."""
        ...

    async def size(self, key: str) -> int | None:
        """The size in bytes, or None when it is not there."""
        ...

    async def read(self, key: str, start: int = 0, length: int | None = None) -> AsyncIterator[bytes] | None:
        """The bytes in blocks, or None when it is not there; opened before this returns."""
        ...

    async def delete(self, key: str) -> bool:
        """Remove an object durably; whether it was there."""
        ...

    async def free_bytes(self) -> int | None:
        """Free space, or None where there is no such limit."""
        ...

    async def check(self) -> None:
        """Prove that the store takes and removes a small object; raises StorageUnavailable with what to do."""
        ...
