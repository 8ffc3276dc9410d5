"""The store in a bucket: what every store does, over several backends."""

from pathlib import Path

import pytest
from obstore.store import MemoryStore

from service.storage.bucket import Clients, Patience, open_clients
from service.storage.cloud import CloudStore
from service.storage.place import Bucket
from tests.storage.conformance import ObjectStoreConformance
from tests.support.buckets import BucketServer


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


class TestCloudStoreInABucket(ObjectStoreConformance):
    @pytest.fixture
    def store(self, tmp_path: Path, bucket: BucketServer) -> CloudStore:
        return cloud_at(bucket.fresh_place(), bucket.options, tmp_path / "staging")
