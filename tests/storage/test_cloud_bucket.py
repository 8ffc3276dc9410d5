"""What only a bucket does: parts, pages, signed URLs, and names that are not ours."""

import asyncio
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from obstore.store import MemoryStore

from service.errors import StorageUnavailable
from service.storage.bucket import Clients
from service.storage.cloud import LARGEST_WHOLE, CloudStore
from service.storage.filesystem import FilesystemStore
from tests.storage.conformance import KEY, listed, stored, whole
from tests.storage.test_cloud import cloud_at
from tests.support.buckets import BucketServer


@pytest.fixture
def place(bucket: BucketServer) -> str:
    return bucket.fresh_place()


@pytest.fixture
def store(tmp_path: Path, bucket: BucketServer, place: str) -> CloudStore:
    return cloud_at(place, bucket.options, tmp_path / "staging")


@pytest.mark.parametrize("size", [LARGEST_WHOLE, LARGEST_WHOLE + 1, 3 * LARGEST_WHOLE])
async def test_a_large_file_comes_back_whole(store: CloudStore, size: int) -> None:
    data = os.urandom(size)
    await stored(store, KEY, data)
    read = await whole(store, KEY)
    assert read is not None
    assert hashlib.sha256(read).digest() == hashlib.sha256(data).digest()
    assert await whole(store, KEY, size - 3, 99) == data[-3:]


@pytest.mark.parametrize(("size", "parts"), [(LARGEST_WHOLE, ""), (LARGEST_WHOLE + 1, "-2")])
async def test_a_large_file_goes_in_parts(s3: BucketServer, tmp_path: Path, size: int, parts: str) -> None:
    store = cloud_at(s3.fresh_place(), s3.options, tmp_path / "staging")
    await stored(store, KEY, bytes(size))
    head = await store.presign(KEY, 60, head=True)
    assert httpx.head(head or "", trust_env=False).headers["etag"].strip('"')[32:] == parts


PUTS = """
import asyncio, json, pathlib, sys
from service.cli.ending import leave
from tests.storage.test_cloud import cloud_at

def peak():
    [line] = [one for one in open("/proc/self/status") if one.startswith("VmHWM")]
    return int(line.split()[1]) * 1024

async def main():
    store = cloud_at(sys.argv[1], json.loads(sys.argv[2]), pathlib.Path(sys.argv[3]))
    await store.replace("first", b"x")
    before = peak()
    staged = [store.staging / str(number) for number in range(4)]
    for path in staged:
        with path.open("wb") as file:
            file.truncate(40 * 2**20)
    await asyncio.gather(*(store.put(f"{path.name}.png", path) for path in staged))
    print(peak() - before)

asyncio.run(main())
leave(0)
"""


@pytest.mark.long
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_many_large_files_at_once_take_no_more_memory_than_their_parts(
    bucket: BucketServer, place: str, tmp_path: Path
) -> None:
    script = [sys.executable, "-c", PUTS, place, json.dumps(bucket.options), str(tmp_path / "puts")]
    done = subprocess.run(script, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 110 * 2**20


async def test_a_listing_of_several_pages_is_in_order_and_leaves_out_what_is_not_ours(
    store: CloudStore, bucket: BucketServer, place: str
) -> None:
    keys = [f"evolink/2026/05/{day:02}/task-{number}/0.png" for day in range(1, 12) for number in range(200)]
    bucket.fill(place, [*keys, ".probe-of-a-crash", "evolink/.hidden", "evolink/2026/05/02x"])
    assert [entry.key for entry in await listed(store)] == sorted([*keys, "evolink/2026/05/02x"])
    second = [key for key in keys if key.startswith("evolink/2026/05/02/")]
    assert [entry.key for entry in await listed(store, "evolink/2026/05/02/")] == sorted(second)
    beside = [entry.key for entry in await listed(store, "evolink/2026/05/02")]
    assert beside == sorted([*second, "evolink/2026/05/02x"])


async def test_a_folder_that_somebody_made_does_not_disturb_a_listing(s3: BucketServer, tmp_path: Path) -> None:
    store = cloud_at(place := s3.fresh_place(), s3.options, tmp_path / "staging")
    s3.fill(place, ["a-b/x", "a/x"])
    s3.fill(place, ["a/", "empty/"], data=b"")
    assert [entry.key for entry in await listed(store)] == ["a-b/x", "a/x", "empty"]


async def test_names_that_cannot_be_ours_are_told_of(s3: BucketServer, tmp_path: Path) -> None:
    store = cloud_at(place := s3.fresh_place(), s3.options, tmp_path / "staging")
    s3.fill(place, ["a//b"])
    with pytest.raises(StorageUnavailable, match="give the archive a prefix of its own"):
        await listed(store)


async def test_archives_in_one_bucket_do_not_see_each_other(
    store: CloudStore, bucket: BucketServer, tmp_path: Path
) -> None:
    await stored(store, KEY)
    other = cloud_at(bucket.fresh_place(), bucket.options, tmp_path / "other")
    assert (await listed(other), await other.size(KEY)) == ([], None)


async def test_a_signed_url_gives_the_image_to_anybody_for_its_time(store: CloudStore) -> None:
    await stored(store, KEY, b"image")
    url, head = await store.presign(KEY, 5), await store.presign(KEY, 5, head=True)
    assert url is not None
    assert head is not None
    answer = httpx.get(url, headers={"Range": "bytes=1-2"}, trust_env=False)
    assert (answer.content, answer.headers["content-type"]) == (b"ma", "image/png")
    assert httpx.head(head, trust_env=False).headers["content-length"] == "5"


async def test_a_url_of_s3_is_signed_for_its_time_and_verb_and_holds_no_secret(
    s3: BucketServer, tmp_path: Path
) -> None:
    store = cloud_at(s3.fresh_place(), s3.options, tmp_path / "staging")
    url, head = [httpx.URL(await store.presign(KEY, 5, head=verb) or "") for verb in (False, True)]
    assert [one.params["X-Amz-Expires"] for one in (url, head)] == ["5", "5"]
    assert url.params["X-Amz-Signature"] != head.params["X-Amz-Signature"]
    assert s3.options["secret_access_key"] not in f"{url} {head}"


async def test_a_store_without_urls_signs_none(tmp_path: Path) -> None:
    memory = MemoryStore()
    for store in (
        FilesystemStore(tmp_path),
        CloudStore(Clients(memory, memory), place="memory://", staging=tmp_path / "staging"),
    ):
        assert await store.presign(KEY, 5) is None


async def test_cleaning_removes_what_a_crash_left_in_the_staging_folder(store: CloudStore) -> None:
    (store.staging / "half.part").write_bytes(b"half")
    await stored(store, KEY)
    assert store.clean_staging() == 1
    assert (list(store.staging.iterdir()), await store.size(KEY)) == ([], 5)


async def test_a_staging_folder_that_is_gone_is_told(store: CloudStore) -> None:
    store.staging.rmdir()
    with pytest.raises(StorageUnavailable, match="the staging folder cannot be used"):
        await store.free_bytes()
    with pytest.raises(StorageUnavailable, match="a staged file cannot be used"):
        await store.put(KEY, store.staging / "gone")


async def test_a_reader_who_leaves_early_disturbs_nobody(store: CloudStore) -> None:
    await stored(store, KEY, os.urandom(4 * 2**20))
    for _ in range(20):
        blocks = await store.read(KEY)
        assert blocks is not None
        await anext(blocks)
    async with asyncio.timeout(20):
        assert len(await whole(store, KEY) or b"") == 4 * 2**20
