"""Sidecars follow their tasks: written when something changed, never an older one over a newer one."""

import json
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from service.archive.deletion import delete
from service.archive.sidecar_writer import SidecarWriter
from service.catalog.catalog import Catalog
from service.domain.object_key import sidecar_key
from service.errors import StorageUnavailable
from service.intake.batch import take_in
from service.intake.register import Told, register
from tests.support.deliveries import RULES, TASK, delivery, task_object
from tests.support.fetching import FakeFetcher, archive_due, archiver_for, purge_due, write_sidecars
from tests.support.memory_store import MemoryStore


@pytest.fixture
def store(tmp_path: Path) -> MemoryStore:
    return MemoryStore(tmp_path)


async def arrives(catalog: Catalog, body: dict[str, Any] | bytes) -> None:
    await catalog.write(partial(take_in, batch=[delivery(body)], rules=RULES))


async def shown(catalog: Catalog, store: MemoryStore) -> dict[str, Any]:
    state = await catalog.read(lambda tx: tx.tasks.get(TASK))
    assert state is not None
    assert state.task.archive_date is not None
    document: dict[str, Any] = json.loads(store.objects[sidecar_key("evolink", state.task.archive_date, TASK)])
    return document


async def archive(catalog: Catalog, store: MemoryStore) -> None:
    await archive_due(archiver_for(catalog, store, FakeFetcher(store.staging)))


async def test_it_is_written_when_links_become_known_and_again_after_settling(
    catalog: Catalog, store: MemoryStore
) -> None:
    await arrives(catalog, task_object())
    assert await write_sidecars(catalog, store) == 1
    early = await shown(catalog, store)
    assert [asset["status"] for asset in early["assets"]] == ["pending"]
    assert early["task"]["settled_at"] is None
    assert await write_sidecars(catalog, store) == 0
    await archive(catalog, store)
    assert await write_sidecars(catalog, store) == 1
    late = await shown(catalog, store)
    assert [asset["status"] for asset in late["assets"]] == ["archived"]
    assert late["task"]["settled_at"] is not None
    assert late["version"] > early["version"]
    assert set(store.objects) == {late["assets"][0]["object_key"], *(k for k in store.objects if "task.json" in k)}


@pytest.mark.parametrize("status", ["failed", "cancelled"])
async def test_every_settled_task_has_one_also_without_images(
    catalog: Catalog, store: MemoryStore, status: str
) -> None:
    await arrives(catalog, task_object(status, error={"code": "service_error"}))
    assert await write_sidecars(catalog, store) == 1
    assert (await shown(catalog, store))["task"]["status"] == status


async def test_a_task_that_only_runs_has_none_yet(catalog: Catalog, store: MemoryStore) -> None:
    await arrives(catalog, task_object("processing"))
    await catalog.write(partial(register, told=Told("task-told"), rules=RULES))
    assert await write_sidecars(catalog, store) == 0


async def test_deleting_an_image_is_shown_at_once(catalog: Catalog, store: MemoryStore) -> None:
    await arrives(catalog, task_object())
    await archive(catalog, store)
    await write_sidecars(catalog, store)
    await catalog.write(partial(delete, task_id=TASK, index=0))
    assert await write_sidecars(catalog, store) == 1
    await purge_due(catalog, store)
    assert (await shown(catalog, store))["tombstones"] == [0]
    assert [key for key in store.objects if not key.endswith("task.json")] == []


async def test_what_is_told_later_is_shown(catalog: Catalog, store: MemoryStore) -> None:
    await arrives(catalog, task_object("failed"))
    await write_sidecars(catalog, store)
    await catalog.write(partial(register, told=Told(TASK, prompt="a cat"), rules=RULES))
    assert await write_sidecars(catalog, store) == 1
    assert (await shown(catalog, store))["task"]["prompt"] == "a cat"


async def test_both_ends_of_a_conflict_are_evidence(catalog: Catalog, store: MemoryStore) -> None:
    await arrives(catalog, task_object("failed"))
    await arrives(catalog, task_object("completed"))
    await write_sidecars(catalog, store)
    evidence = (await shown(catalog, store))["evidence"]
    assert [(entry["status"], entry["conflict"]) for entry in evidence["history"]] == [
        ("failed", True),
        ("completed", False),
    ]
    assert len(evidence["callbacks"]) == 2


async def test_a_conflict_that_came_after_settling_is_evidence_too(catalog: Catalog, store: MemoryStore) -> None:
    await arrives(catalog, task_object("completed"))
    await archive(catalog, store)
    await write_sidecars(catalog, store)
    await arrives(catalog, task_object("failed"))
    await write_sidecars(catalog, store)
    history = (await shown(catalog, store))["evidence"]["history"]
    assert [entry["status"] for entry in history] == ["completed", "failed"]


async def test_an_event_during_the_writing_has_it_written_again(catalog: Catalog, store: MemoryStore) -> None:
    class Interrupted(MemoryStore):
        async def replace(self, key: str, data: bytes) -> None:
            await super().replace(key, data)
            await catalog.write(partial(register, told=Told(TASK, prompt="meanwhile"), rules=RULES))

    await arrives(catalog, task_object("failed"))
    assert await write_sidecars(catalog, Interrupted(store.staging)) == 1
    assert await write_sidecars(catalog, store) == 1
    assert (await shown(catalog, store))["task"]["prompt"] == "meanwhile"


async def test_an_old_document_that_comes_late_is_replaced(catalog: Catalog, store: MemoryStore) -> None:
    """A writer that lost its claim while it was stalled overwrites a newer sidecar; that one comes back."""
    await arrives(catalog, task_object("failed"))
    stalled = SidecarWriter(catalog=catalog, store=store)
    [lost] = await stalled.claim(1)
    await catalog.write(lambda tx: tx.work.clear_leases())
    await write_sidecars(catalog, store)
    await stalled.work(lost)
    assert await write_sidecars(catalog, store) == 1
    assert await write_sidecars(catalog, store) == 0


async def test_a_store_that_refuses_leaves_it_due_after_a_while(catalog: Catalog, tmp_path: Path) -> None:
    store = MemoryStore(tmp_path, ill=lambda verb, _key: "full" if verb == "replace" else None)
    await arrives(catalog, task_object("failed"))
    writer = SidecarWriter(catalog=catalog, store=store)
    [claimed] = await writer.claim(1)
    with pytest.raises(StorageUnavailable):
        await writer.work(claimed)
    await writer.release(claimed, after=timedelta(seconds=5))
    assert await writer.claim(1) == []
    state = await catalog.read(lambda tx: tx.tasks.get(TASK))
    assert state is not None
    assert state.task.sidecar_version < state.task.version


async def test_an_odd_body_does_not_keep_a_task_without_a_sidecar(catalog: Catalog, store: MemoryStore) -> None:
    await arrives(catalog, b'{"id": "%s", "status": "failed", "odd": %s}' % (TASK.encode(), b"9" * 5000))
    assert await write_sidecars(catalog, store) == 1
    assert await shown(catalog, store)
