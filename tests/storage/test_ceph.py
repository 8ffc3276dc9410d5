"""What only a server shows that checks signatures, rights and times, and that can be killed: Ceph's RADOS Gateway."""

import asyncio
import os
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from service.errors import StorageUnavailable
from service.storage.bucket import Patience
from service.storage.cloud import LARGEST_WHOLE, CloudStore
from tests.storage.conformance import KEY, listed, stored, whole
from tests.storage.test_cloud import cloud_at
from tests.support.ceph_rgw import CephGateway
from tests.support.s3_objects import Key

pytestmark = pytest.mark.long

BRIEF = Patience(request=3.0, retries=0.5, call=6.0)


@pytest.fixture
def place(gateway: CephGateway) -> str:
    return gateway.bucket.fresh_place()


@pytest.fixture
def store(gateway: CephGateway, place: str, tmp_path: Path) -> CloudStore:
    return cloud_at(place, gateway.bucket.options, tmp_path / "staging", patience=BRIEF)


def seen_by(gateway: CephGateway, key: Key, place: str, staging: Path) -> CloudStore:
    """The same place for somebody else."""
    return cloud_at(place, gateway.bucket_of(key).options, staging, patience=BRIEF, opened=False)


def status(url: str | None, method: str = "GET") -> int:
    assert url is not None
    return httpx.request(method, url, trust_env=False).status_code


async def test_a_signed_url_is_good_for_its_object_and_verb_alone(store: CloudStore) -> None:
    await stored(store, KEY)
    await stored(store, f"{KEY}.other")
    url, head = await store.presign(KEY, 60), await store.presign(KEY, 60, head=True)
    assert (status(url), status(head, "HEAD")) == (200, 200)
    assert (status(url, "DELETE"), status(url, "PUT")) == (403, 403)
    assert status((url or "").replace(KEY, f"{KEY}.other")) == 403
    assert await store.size(KEY) == 5


async def test_a_url_whose_signature_was_changed_is_refused(store: CloudStore) -> None:
    await stored(store, KEY)
    url = httpx.URL(await store.presign(KEY, 60) or "")
    signature = url.params["X-Amz-Signature"]
    forged = ("0" if signature[0] != "0" else "1") + signature[1:]
    assert status(str(url.copy_set_param("X-Amz-Signature", forged))) == 403
    assert status(str(url.copy_set_param("X-Amz-Expires", "600"))) == 403
    assert status(str(url.copy_remove_param("X-Amz-Signature"))) == 403


async def test_a_url_whose_time_is_over_is_refused(store: CloudStore) -> None:
    await stored(store, KEY)
    url = await store.presign(KEY, 5)
    assert status(url) == 200
    async with asyncio.timeout(20):
        while status(url) == 200:
            await asyncio.sleep(0.1)
    assert status(url) == 403


async def test_a_signed_url_of_an_object_that_is_gone_finds_nothing(store: CloudStore) -> None:
    await stored(store, KEY)
    url = await store.presign(KEY, 60)
    await store.delete(KEY)
    assert status(url) == 404


async def test_ranges_of_a_signed_url_are_the_objects(store: CloudStore) -> None:
    await stored(store, KEY, b"0123456789")
    url = await store.presign(KEY, 60) or ""
    part = httpx.get(url, headers={"Range": "bytes=-3"}, trust_env=False)
    assert (part.status_code, part.content, part.headers["content-range"]) == (206, b"789", "bytes 7-9/10")
    assert httpx.get(url, headers={"Range": "bytes=10-"}, trust_env=False).status_code == 416


async def test_a_bucket_that_is_missing_is_told(gateway: CephGateway, tmp_path: Path) -> None:
    store = cloud_at("s3://missing/x", gateway.bucket.options, tmp_path, patience=BRIEF, opened=False)
    store.open(expected=True)
    for call in (store.check(), store.size(KEY), store.read(KEY), listed(store), store.delete(KEY)):
        with pytest.raises(StorageUnavailable, match="there is no such bucket"):
            await call


@pytest.mark.parametrize("wrong", ["name", "secret"])
async def test_a_wrong_key_is_told_and_not_repeated(
    gateway: CephGateway, place: str, tmp_path: Path, wrong: str
) -> None:
    key = replace(gateway.owner, **{wrong: "a-key-that-is-wrong"})
    store = seen_by(gateway, key, place, tmp_path)
    store.open(expected=True)
    for call in (store.check(), store.size(KEY), store.read(KEY), listed(store)):
        with pytest.raises(StorageUnavailable, match=r"refuses us.*look at the credentials") as told:
            await call
        assert gateway.owner.name not in str(told.value)
        assert "a-key-that-is-wrong" not in str(told.value)


async def test_a_key_that_may_only_read_reads_and_the_start_says_what_it_lacks(
    gateway: CephGateway, store: CloudStore, place: str, tmp_path: Path
) -> None:
    await stored(store, KEY)
    reader = seen_by(gateway, gateway.reader, place, tmp_path / "reader")
    with pytest.raises(StorageUnavailable, match=r"refuses us \(AccessDenied\).*right to read, write, delete and list"):
        reader.open()
    assert await whole(reader, KEY) == b"image"
    assert [entry.key for entry in await listed(reader)] == [KEY]
    for call in (reader.check(), stored(reader, "a"), reader.replace(KEY, b"{}"), reader.delete(KEY)):
        with pytest.raises(StorageUnavailable, match="refuses us"):
            await call
    assert await whole(store, KEY) == b"image"


async def test_a_gateway_that_is_killed_and_comes_back_has_all_that_was_confirmed(
    gateway: CephGateway, store: CloudStore
) -> None:
    large = os.urandom(LARGEST_WHOLE + 1)
    await stored(store, KEY)
    await stored(store, f"{KEY}.large", large)
    gateway.kill_gateway()
    try:
        for call in (store.size(KEY), store.check(), listed(store), store.delete(KEY)):
            with pytest.raises(StorageUnavailable, match="cannot be reached"):
                await call
    finally:
        await asyncio.to_thread(gateway.start_gateway)
    assert await whole(store, KEY) == b"image"
    assert await whole(store, f"{KEY}.large") == large


async def test_an_upload_whose_gateway_dies_is_whole_or_not_there_and_its_file_is_kept(
    gateway: CephGateway, store: CloudStore
) -> None:
    staged = store.staging / "large"
    staged.write_bytes(bytes(8 * LARGEST_WHOLE))
    upload = asyncio.create_task(store.put(KEY, staged))
    async with asyncio.timeout(20):
        while not await asyncio.to_thread(gateway.bucket.unfinished):
            await asyncio.sleep(0.01)
    gateway.kill_gateway()
    with pytest.raises(StorageUnavailable):
        await upload
    await asyncio.to_thread(gateway.start_gateway)
    assert await store.size(KEY) is None
    await store.put(KEY, staged)
    assert await store.size(KEY) == 8 * LARGEST_WHOLE
