"""An ObjectStore in memory whose illnesses are given to its constructor."""

import secrets
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from service.errors import StorageUnavailable
from service.storage import BLOCK_BYTES, Blocks, Entry, checked_key

Ill = Callable[[str, str], str | None]
"""Given a verb and a key, why that fails now, or None when it does not."""


def healthy(_verb: str, _key: str) -> str | None:
    return None


class MemoryStore:
    """Objects in a dict; `ill` decides call by call what fails, `free` is what is left or None."""

    def __init__(self, staging: Path, *, ill: Ill = healthy, free: int | None = None) -> None:
        self._staging = staging
        self._ill = ill
        self._free = free
        self.objects: dict[str, bytes] = {}

    @property
    def staging(self) -> Path:
        return self._staging

    async def put(self, key: str, staged: Path) -> None:
        self._begin("put", checked_key(key))
        self.objects[key] = staged.read_bytes()
        staged.unlink()

    async def replace(self, key: str, data: bytes) -> None:
        self._begin("replace", checked_key(key))
        self.objects[key] = data

    async def size(self, key: str) -> int | None:
        self._begin("size", checked_key(key))
        found = self.objects.get(key)
        return None if found is None else len(found)

    async def read(self, key: str, start: int = 0, length: int | None = None) -> Blocks | None:
        self._begin("read", checked_key(key))
        found = self.objects.get(key)
        return None if found is None else _blocks(found[start:] if length is None else found[start : start + length])

    async def delete(self, key: str) -> bool:
        self._begin("delete", checked_key(key))
        return self.objects.pop(key, None) is not None

    async def list(self, prefix: str = "") -> AsyncIterator[Entry]:
        self._begin("list", prefix)
        for key in sorted(self.objects):
            if key.startswith(prefix) and key in self.objects:
                yield Entry(key, len(self.objects[key]))

    async def free_bytes(self) -> int | None:
        self._begin("free_bytes", "")
        return self._free

    async def check(self) -> None:
        key = f"probe-{secrets.token_hex(4)}"
        await self.replace(key, b"probe")
        await self.delete(key)

    async def presign(self, key: str, seconds: int, *, head: bool = False) -> str | None:
        return None

    def _begin(self, verb: str, key: str) -> None:
        reason = self._ill(verb, key)
        if reason is not None:
            raise StorageUnavailable(reason)


async def _blocks(data: bytes) -> Blocks:
    for start in range(0, len(data), BLOCK_BYTES):
        yield data[start : start + BLOCK_BYTES]
