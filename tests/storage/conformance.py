"""What every object store does. A backend's tests inherit the class and bring a `store` fixture."""

import asyncio
import os
from pathlib import Path

import pytest

from service.storage import BLOCK_BYTES, LONGEST_KEY, Entry, ObjectStore

KEY = "evolink/2026/05/01/task-unified-1/0-0123456789ab.png"
NOT_KEYS = [
    "",
    "/etc/passwd",
    "..",
    "../x",
    "a/../b",
    "a/./b",
    "a//b",
    "a/",
    ".staging/x",
    "a/.hidden",
    "a\0b",
    "a\\b",
    "a" * (LONGEST_KEY + 1),
    "é" * (LONGEST_KEY // 2 + 1),
    "\ud800",
]


async def stored(store: ObjectStore, key: str, data: bytes = b"image") -> None:
    """Put some bytes the way a download does: by a staged file."""
    staged = store.staging / os.urandom(8).hex()
    staged.write_bytes(data)
    await store.put(key, staged)


async def whole(store: ObjectStore, key: str, start: int = 0, length: int | None = None) -> bytes | None:
    blocks = await store.read(key, start, length)
    return None if blocks is None else b"".join([block async for block in blocks])


async def listed(store: ObjectStore, prefix: str = "") -> list[Entry]:
    return [entry async for entry in store.list(prefix)]


class ObjectStoreConformance:
    async def test_what_was_put_is_read_back(self, store: ObjectStore) -> None:
        await stored(store, KEY, b"\x89PNG\0bytes")
        assert await whole(store, KEY) == b"\x89PNG\0bytes"
        assert await store.size(KEY) == 10

    async def test_an_empty_object_is_an_object(self, store: ObjectStore) -> None:
        await stored(store, KEY, b"")
        assert await whole(store, KEY) == b""
        assert await store.size(KEY) == 0

    async def test_put_takes_the_staged_file_over(self, store: ObjectStore) -> None:
        staged = store.staging / "download"
        staged.write_bytes(b"image")
        await store.put(KEY, staged)
        assert not staged.exists()

    async def test_a_staged_file_may_come_from_elsewhere(self, store: ObjectStore, tmp_path: Path) -> None:
        elsewhere = tmp_path / "elsewhere"
        elsewhere.write_bytes(b"image")
        await store.put(KEY, elsewhere)
        assert await whole(store, KEY) == b"image"
        assert not elsewhere.exists()

    async def test_putting_the_same_bytes_twice_is_harmless(self, store: ObjectStore) -> None:
        await stored(store, KEY)
        await stored(store, KEY)
        assert await listed(store) == [Entry(KEY, 5)]

    async def test_replace_makes_an_object_and_replaces_it(self, store: ObjectStore) -> None:
        await store.replace("a/task.json", b"{}")
        await store.replace("a/task.json", b'{"version": 2}')
        assert await whole(store, "a/task.json") == b'{"version": 2}'

    async def test_what_is_absent_is_a_value(self, store: ObjectStore) -> None:
        assert await store.size(KEY) is None
        assert await store.read(KEY) is None
        assert await store.delete(KEY) is False

    async def test_a_folder_of_objects_is_no_object(self, store: ObjectStore) -> None:
        await stored(store, "a/b/c")
        assert await store.size("a/b") is None
        assert await store.read("a/b") is None
        assert await store.delete("a/b") is False
        assert await store.size("a/b/c/d") is None
        assert await whole(store, "a/b/c") == b"image"

    async def test_delete_tells_whether_there_was_an_object(self, store: ObjectStore) -> None:
        await stored(store, KEY)
        assert await store.delete(KEY) is True
        assert await store.delete(KEY) is False
        assert await store.size(KEY) is None
        assert await listed(store) == []

    async def test_blocks_are_bounded_and_complete(self, store: ObjectStore) -> None:
        data = os.urandom(2 * BLOCK_BYTES + 17)
        await stored(store, KEY, data)
        blocks = await store.read(KEY)
        assert blocks is not None
        sizes = [len(block) async for block in blocks]
        assert max(sizes) <= BLOCK_BYTES
        assert sum(sizes) == len(data)
        assert await whole(store, KEY) == data

    @pytest.mark.parametrize(
        ("start", "length", "expected"),
        [
            (0, 3, b"012"),
            (3, 4, b"3456"),
            (8, 100, b"89"),
            (8, None, b"89"),
            (10, None, b""),
            (99, 1, b""),
            (2, 0, b""),
        ],
    )
    async def test_a_part_of_an_object(
        self, store: ObjectStore, start: int, length: int | None, expected: bytes
    ) -> None:
        await stored(store, KEY, b"0123456789")
        assert await whole(store, KEY, start, length) == expected

    async def test_a_part_across_blocks(self, store: ObjectStore) -> None:
        data = os.urandom(3 * BLOCK_BYTES)
        await stored(store, KEY, data)
        assert await whole(store, KEY, 7, 2 * BLOCK_BYTES) == data[7 : 7 + 2 * BLOCK_BYTES]

    async def test_deleting_does_not_break_a_stream_that_has_begun(self, store: ObjectStore) -> None:
        data = os.urandom(2 * BLOCK_BYTES)
        await stored(store, KEY, data)
        blocks = await store.read(KEY)
        assert blocks is not None
        await store.delete(KEY)
        assert b"".join([block async for block in blocks]) == data

    async def test_replacing_does_not_mix_into_a_stream_that_has_begun(self, store: ObjectStore) -> None:
        await store.replace(KEY, b"a" * 2 * BLOCK_BYTES)
        blocks = await store.read(KEY)
        assert blocks is not None
        await store.replace(KEY, b"b" * 2 * BLOCK_BYTES)
        assert set(b"".join([block async for block in blocks])) == {ord("a")}

    async def test_a_listing_is_in_the_order_of_keys(self, store: ObjectStore) -> None:
        keys = ["a/x", "a-b", "a.b", "b", "a/é", "a/b/c", "ab/c", "é/a", "Z", "a0"]
        for number, key in enumerate(keys):
            await stored(store, key, b"x" * number)
        assert await listed(store) == [Entry(key, keys.index(key)) for key in sorted(keys)]

    async def test_a_listing_begins_with_a_prefix(self, store: ObjectStore) -> None:
        for key in ["a/b/1", "a/b/2", "a/bc", "a/c", "b/a/b"]:
            await stored(store, key)
        assert [entry.key for entry in await listed(store, "a/b")] == ["a/b/1", "a/b/2", "a/bc"]
        assert [entry.key for entry in await listed(store, "a/b/")] == ["a/b/1", "a/b/2"]
        assert [entry.key for entry in await listed(store, "a/c")] == ["a/c"]
        assert await listed(store, "../") == []

    async def test_a_listing_leaves_staged_files_out(self, store: ObjectStore) -> None:
        (store.staging / "half a download").write_bytes(b"?")
        await stored(store, "a")
        assert await listed(store) == [Entry("a", 5)]

    async def test_a_listing_of_many_objects_is_complete(self, store: ObjectStore) -> None:
        keys = [f"day/{number:04}/task.json" for number in range(600)]
        await asyncio.gather(*(store.replace(key, b"{}") for key in keys))
        assert [entry.key for entry in await listed(store)] == keys

    async def test_deleting_while_listing_is_allowed(self, store: ObjectStore) -> None:
        for number in range(20):
            await stored(store, f"{number:02}/a")
        async for entry in store.list():
            await store.delete(entry.key)
        assert await listed(store) == []

    @pytest.mark.parametrize("key", NOT_KEYS)
    async def test_what_is_no_key_is_refused_by_every_verb(self, store: ObjectStore, key: str) -> None:
        staged = store.staging / "staged"
        staged.write_bytes(b"image")
        for refused in (
            store.put(key, staged),
            store.replace(key, b""),
            store.size(key),
            store.read(key),
            store.delete(key),
        ):
            with pytest.raises(ValueError, match="a key"):
                await refused
        assert staged.exists()

    async def test_keys_that_look_odd_are_keys(self, store: ObjectStore) -> None:
        for key in ["a b/c?d#e", "ключ/鍵.png", "a..b/c.", "%2e%2e/x", "a:b"]:
            await stored(store, key, key.encode())
            assert await whole(store, key) == key.encode()

    async def test_puts_of_one_key_at_once_leave_one_whole_object(self, store: ObjectStore) -> None:
        await asyncio.gather(*(stored(store, KEY, bytes([number]) * 1000) for number in range(20)))
        data = await whole(store, KEY)
        assert data is not None
        assert len(data) == 1000
        assert len(set(data)) == 1

    async def test_check_leaves_nothing_behind(self, store: ObjectStore) -> None:
        await store.check()
        assert await listed(store) == []

    async def test_free_space_is_a_number_or_has_no_limit(self, store: ObjectStore) -> None:
        free = await store.free_bytes()
        assert free is None or free > 0
