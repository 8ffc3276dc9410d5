"""The fake does what the real stores do, and falls ill when it is told to."""

from pathlib import Path

import pytest

from service.errors import StorageUnavailable
from tests.storage.conformance import ObjectStoreConformance, stored
from tests.support.memory_store import MemoryStore


class TestMemoryStore(ObjectStoreConformance):
    @pytest.fixture
    def store(self, tmp_path: Path) -> MemoryStore:
        return MemoryStore(tmp_path)


async def test_an_ill_fake_fails_the_verbs_it_is_told_to(tmp_path: Path) -> None:
    store = MemoryStore(tmp_path, ill=lambda verb, key: "full" if verb == "put" and key == "a" else None)
    await stored(store, "b")
    with pytest.raises(StorageUnavailable, match="full"):
        await stored(store, "a")
    assert list(store.objects) == ["b"]
