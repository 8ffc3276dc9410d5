"""Images read for an export, and proven before any of their bytes are given: by size and SHA-256 as the catalog has it.

A small image is kept in memory meanwhile, a larger one is read twice; so a damaged one is found while it can still be
left out, and memory stays the same whatever images are like.
"""

import asyncio
import hashlib
import zlib
from contextlib import aclosing
from dataclasses import dataclass, field

from service.domain.asset import Stored
from service.errors import StorageUnavailable
from service.storage import Blocks, ObjectStore
from service.storage.health import require_healthy
from service.upkeep.findings import Kind
from service.upkeep.stored_bytes import HASHED_AT_ONCE

HELD_BYTES = 8 * 2**20
"""Of images that are kept in memory between their proof and their way out."""

AT_ONCE = 64 * 1024
"""Bytes that are hashed sooner than a thread would have begun."""


@dataclass(frozen=True, slots=True)
class Proven:
    """An image that is whole; `blocks` are its bytes, or None where they are to be read again."""

    key: str
    size: int
    crc: int
    blocks: tuple[bytes, ...] | None


@dataclass(frozen=True, slots=True)
class Spoilt:
    """An image that cannot be given: what is wrong, and in words."""

    kind: Kind
    detail: str


_GONE = Spoilt(Kind.MISSING, "its archived bytes are gone")


@dataclass(slots=True)
class _Sums:
    sha256: "hashlib._Hash" = field(default_factory=hashlib.sha256)
    crc: int = 0
    size: int = 0

    def add(self, blocks: list[bytes]) -> None:
        for block in blocks:
            self.sha256.update(block)
            self.crc = zlib.crc32(block, self.crc)
            self.size += len(block)


async def prove(store: ObjectStore, stored: Stored) -> Proven | Spoilt:
    """Read it through, off the loop. Raises StorageUnavailable when the store itself is ill."""
    try:
        blocks = await store.read(stored.object_key)
        if blocks is None:
            return _GONE
        async with aclosing(blocks):
            return await _proven(blocks, stored)
    except StorageUnavailable as error:
        await require_healthy(store, stored.object_key)
        return Spoilt(Kind.UNREADABLE, str(error))


async def begin(store: ObjectStore, proven: Proven) -> Blocks | Spoilt:
    """The bytes that were proven, of which the first have been read: what is removed from now on does no harm.

    They raise StorageUnavailable where they are others now: then what was begun is void. Raises it, too.
    """
    if proven.blocks is not None:
        return _kept_ones(proven.blocks)
    try:
        blocks = await store.read(proven.key)
        if blocks is None:
            return _GONE
        again = _again(blocks, proven)
        await anext(again)  # once begun, it closes what it reads even when nobody takes it
        return again
    except StorageUnavailable as error:
        await require_healthy(store, proven.key)
        return Spoilt(Kind.UNREADABLE, str(error))


async def _kept_ones(blocks: tuple[bytes, ...]) -> Blocks:
    for block in blocks:
        yield block


async def _again(blocks: Blocks, proven: Proven) -> Blocks:
    """An empty block once the first has been read."""
    crc, size = 0, 0
    async with aclosing(blocks):
        block = await anext(blocks, None)
        yield b""
        while block is not None:
            crc, size = await asyncio.to_thread(zlib.crc32, block, crc), size + len(block)
            if size > proven.size or (size == proven.size and crc != proven.crc):
                break
            yield block
            block = await anext(blocks, None)
    if (size, crc) != (proven.size, proven.crc):
        raise StorageUnavailable(f"{proven.key} changed while it was exported")


async def _proven(blocks: Blocks, stored: Stored) -> Proven | Spoilt:
    sums, kept, waiting, held = _Sums(), list[bytes](), list[bytes](), 0
    async for block in blocks:
        waiting.append(block)
        held += len(block)
        if held >= HASHED_AT_ONCE:
            await asyncio.to_thread(sums.add, waiting)
            kept, waiting, held = _kept(kept, waiting, sums.size), [], 0
    if held > AT_ONCE:
        await asyncio.to_thread(sums.add, waiting)
    else:
        sums.add(waiting)
    kept = _kept(kept, waiting, sums.size)
    if sums.size != stored.size:
        return Spoilt(Kind.WRONG_SIZE, f"it has {sums.size} bytes instead of {stored.size}")
    if (digest := sums.sha256.hexdigest()) != stored.sha256:
        return Spoilt(Kind.WRONG_HASH, f"its SHA-256 is {digest}")
    return Proven(stored.object_key, sums.size, sums.crc, tuple(kept) if sums.size <= HELD_BYTES else None)


def _kept(kept: list[bytes], more: list[bytes], size: int) -> list[bytes]:
    """What is kept in memory of an image of which so many bytes have been read."""
    return kept + more if size <= HELD_BYTES else []
