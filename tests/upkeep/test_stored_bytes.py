"""Reading objects: what they are, and whether it is the object or the store that cannot be read."""

import hashlib
from pathlib import Path

import pytest

from service.errors import StorageUnavailable
from service.upkeep.stored_bytes import Measured, Trouble, measure, read_small
from tests.support.memory_store import MemoryStore

KEY = "evolink/2026/05/01/task-1/0-aaaaaaaaaaaa.png"
MIB = 2**20


@pytest.mark.parametrize("size", [0, 1, MIB - 1, MIB, MIB + 1, 3 * MIB])
async def test_size_and_hash_are_those_of_the_whole_object(tmp_path: Path, size: int) -> None:
    store, body = MemoryStore(tmp_path), bytes(index % 251 for index in range(size))
    await store.replace(KEY, body)
    assert await measure(store, KEY, hashing=True) == Measured(size, hashlib.sha256(body).hexdigest())
    assert await measure(store, KEY, hashing=False) == Measured(size)


async def test_what_is_not_there_is_none(tmp_path: Path) -> None:
    store = MemoryStore(tmp_path)
    assert await measure(store, KEY, hashing=True) is None
    assert await measure(store, KEY, hashing=False) is None
    assert await read_small(store, KEY, 9) is None


async def test_no_more_is_read_than_one_byte_over_the_bound(tmp_path: Path) -> None:
    store = MemoryStore(tmp_path)
    await store.replace(KEY, bytes(MIB))
    assert await read_small(store, KEY, 9) == bytes(10)


async def test_one_object_that_cannot_be_read_is_its_own_trouble(tmp_path: Path) -> None:
    store = MemoryStore(tmp_path, ill=lambda verb, _key: "denied" if verb in ("read", "size") else None)
    assert await measure(store, KEY, hashing=True) == Trouble("denied")
    assert await measure(store, KEY, hashing=False) == Trouble("denied")
    assert await read_small(store, KEY, 9) == Trouble("denied")


async def test_a_store_that_cannot_be_listed_either_is_unavailable(tmp_path: Path) -> None:
    store = MemoryStore(tmp_path, ill=lambda _verb, _key: "gone")
    for attempt in (measure(store, KEY, hashing=True), measure(store, KEY, hashing=False), read_small(store, KEY, 9)):
        with pytest.raises(StorageUnavailable, match="gone"):
            await attempt
