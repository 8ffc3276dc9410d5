"""Reading objects to see whether they are what they should be, in constant memory and off the event loop."""

import asyncio
import hashlib
from contextlib import aclosing
from dataclasses import dataclass

from service.errors import StorageUnavailable
from service.storage import Blocks, ObjectStore
from service.storage.health import require_healthy

HASHED_AT_ONCE = 2**20
"""Bytes for one visit to a thread."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What an object is; `sha256` is None where only its size was asked for. `size` in bytes."""

    size: int
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Trouble:
    """The store is there, and cannot read this one object."""

    detail: str


async def measure(store: ObjectStore, key: str, *, hashing: bool) -> Measured | Trouble | None:
    """Size and hash of an object, None when there is none. Raises StorageUnavailable when the store itself is ill."""
    try:
        if not hashing:
            size = await store.size(key)
            return Measured(size) if size is not None else None
        blocks = await store.read(key)
        if blocks is None:
            return None
        async with aclosing(blocks):
            return await _hashed(blocks)
    except StorageUnavailable as error:
        await require_healthy(store, key)
        return Trouble(str(error))


async def read_small(store: ObjectStore, key: str, longest: int) -> bytes | Trouble | None:
    """An object's bytes, at most `longest` and one more; otherwise as `measure`."""
    try:
        blocks = await store.read(key, 0, longest + 1)
        if blocks is None:
            return None
        async with aclosing(blocks):
            return b"".join([block async for block in blocks])
    except StorageUnavailable as error:
        await require_healthy(store, key)
        return Trouble(str(error))


async def _hashed(blocks: Blocks) -> Measured:
    digest, size = hashlib.sha256(), 0
    waiting: list[bytes] = []
    held = 0
    async for block in blocks:
        waiting.append(block)
        held += len(block)
        if held >= HASHED_AT_ONCE:
            await asyncio.to_thread(_update, digest, waiting)
            size, held, waiting = size + held, 0, []
    await asyncio.to_thread(_update, digest, waiting)
    return Measured(size + held, digest.hexdigest())


def _update(digest: "hashlib._Hash", blocks: list[bytes]) -> None:
    for block in blocks:
        digest.update(block)
