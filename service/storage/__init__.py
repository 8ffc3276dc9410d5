"""What we keep bytes in: a store of named objects, with narrow verbs. Names and meaning come from above.

Absence is a value (None, False). A store that cannot be used raises StorageUnavailable; that is never absence.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

BLOCK_BYTES = 256 * 1024
"""Size of the blocks that objects are read in."""

Blocks = AsyncGenerator[bytes, None]
"""An open object, block by block."""

LONGEST_KEY = 1024
"""Bytes of a key in UTF-8, as object stores have it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A stored object as a listing shows it; `size` in bytes."""

    key: str
    size: int


class ObjectStore(Protocol):
    """Every verb raises StorageUnavailable when the store is ill, and ValueError for a key that is none."""

    @property
    def staging(self) -> Path:
        """Folder for files that are going to be put; nothing in it survives a start."""

    async def put(self, key: str, staged: Path) -> None:
        """Store a file under a key, durably, and take it over: afterwards it is no longer where it was."""

    async def replace(self, key: str, data: bytes) -> None:
        """Store bytes under a key, durably; readers see the old object or the new one, never a mixture."""

    async def size(self, key: str) -> int | None:
        """Bytes of the object, or None when there is none."""

    async def read(self, key: str, start: int = 0, length: int | None = None) -> Blocks | None:
        """The object in blocks, from `start` and at most `length` bytes; None when there is none.

        It is open when this returns, so deleting the object does not break a stream that has begun. Who may stop
        before its end closes it.
        """

    async def delete(self, key: str) -> bool:
        """Remove the object, durably; whether there was one."""

    def list(self, prefix: str = "") -> AsyncIterator[Entry]:
        """The objects whose keys begin with `prefix`, lazily, in the order of their keys."""

    async def free_bytes(self) -> int | None:
        """Room that is left, or None where it has no limit; a store that takes no writes is ill."""

    async def check(self) -> None:
        """Prove that the store takes and removes an object; StorageUnavailable says what is wrong and what to do."""

    async def presign(self, key: str, seconds: int, *, head: bool = False) -> str | None:
        """A URL that gives the object to anybody for so long, to GET or to HEAD; None where it cannot."""


def checked_key(key: str) -> str:
    """The key, if it is one: a relative POSIX path in UTF-8 of which no part is empty or begins with a dot.

    Raises ValueError. Names that begin with a dot are the store's own.
    """
    try:
        size = len(key.encode("utf-8"))
    except UnicodeEncodeError:
        raise ValueError("a key that is not valid Unicode") from None
    if not 0 < size <= LONGEST_KEY:
        raise ValueError(f"a key of {size} bytes; it has 1 to {LONGEST_KEY}")
    if "\0" in key or "\\" in key:
        raise ValueError("a key with NUL or backslash")
    if any(not part or part.startswith(".") for part in key.split("/")):
        raise ValueError("a key with an empty part, or one that begins with a dot")
    return key
