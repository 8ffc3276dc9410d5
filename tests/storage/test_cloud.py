"""The store in a bucket: what every store does, over several backends."""

import json
import os
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from obstore.store import MemoryStore

from service.storage.bucket import Clients, Patience, open_clients
from service.storage.cloud import CloudStore
from service.storage.place import Bucket
from tests.storage.conformance import ObjectStoreConformance
from tests.support.moto_bucket import S3Server


def cloud_at(
    place: str,
    options: dict[str, str],
    staging: Path,
    *,
    patience: Patience | None = None,
    opened: bool = True,
    ca: bytes | None = None,
) -> CloudStore:
    """The store of a URL."""
    patience = patience or Patience()
    bucket = Bucket.of_url(place)
    assert bucket is not None
    clients = open_clients(bucket, options=options, ca=ca, user_agent="tests", patience=patience)
    store = CloudStore(clients, place=place, staging=staging, patience=patience)
    if opened:
        store.open()
    return store


class TestCloudStoreInMemory(ObjectStoreConformance):
    @pytest.fixture
    def store(self, tmp_path: Path) -> CloudStore:
        memory = MemoryStore()
        store = CloudStore(Clients(memory, memory), place="memory://", staging=tmp_path / "staging")
        store.open()
        return store


class TestCloudStoreOverS3(ObjectStoreConformance):
    @pytest.fixture
    def store(self, tmp_path: Path, s3: S3Server) -> CloudStore:
        return cloud_at(s3.fresh_place(), s3.options, tmp_path / "staging")


if "DARKROOM_TEST_STORAGE_URL" in os.environ:

    class TestCloudStoreOnTheBucketThatWasNamed(ObjectStoreConformance):
        @pytest.fixture
        async def store(self, tmp_path: Path) -> AsyncIterator[CloudStore]:
            place = f"{os.environ['DARKROOM_TEST_STORAGE_URL'].rstrip('/')}/{secrets.token_hex(8)}"
            options = json.loads(os.environ.get("DARKROOM_TEST_STORAGE_OPTIONS", "{}"))
            store = cloud_at(place, options, tmp_path / "staging")
            yield store
            async for entry in store.list():
                await store.delete(entry.key)
