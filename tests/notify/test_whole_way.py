"""From a callback to a verified event: the archive's work is followed up, in the transaction that notes a sidecar."""

import hashlib
from functools import partial
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from service.archive.sidecar_writer import SidecarWriter
from service.catalog.catalog import Transaction
from service.domain.attempt import Failed, Failure
from service.errors import StorageUnavailable
from service.intake.batch import take_in
from service.notify.outbox import publish
from tests.notify.receiver import receiving
from tests.notify.world import World, endpoint, secret
from tests.support.deliveries import LINK, RULES, TASK, delivery, task_object
from tests.support.fetching import FakeFetcher, archive_due, archiver_for, picture
from tests.support.ledger import known
from tests.support.memory_store import MemoryStore

OTHER = "https://files.evolink.ai/a/1.png"


async def completed(world: World) -> None:
    arrived = delivery(task_object(results=[LINK, OTHER]))
    await world.catalog.write(partial(take_in, batch=[arrived], rules=RULES))


async def archive(world: World, store: MemoryStore) -> None:
    """One attempt at each image: one is archived, the other is dead at once."""
    too_large = Failed(Failure.TOO_LARGE, "files.evolink.ai sends more than is allowed")
    await archive_due(archiver_for(world.catalog, store, FakeFetcher(store.staging, {OTHER: too_large})))


async def write_sidecars(world: World, store: MemoryStore) -> int:
    """How often whoever delivers was woken."""

    def follow_up(tx: Transaction, task_id: str) -> bool:
        return publish(tx, known(tx, task_id), world.audience) > 0

    woken: list[None] = []
    writer = SidecarWriter(catalog=world.catalog, store=store, follow_up=follow_up, followed=lambda: woken.append(None))
    for one in await writer.claim(100):
        await writer.work(one)
    return len(woken)


async def test_what_the_archive_does_reaches_the_endpoint_signed_and_in_order(world: World, tmp_path: Path) -> None:
    store = MemoryStore(tmp_path)
    async with receiving() as host:
        world.endpoints = (endpoint("shop", host.url(), secret(1)),)
        await completed(world)
        assert await write_sidecars(world, store) == 0, "there is nothing to deliver yet"
        assert await world.told() == []
        await archive(world, store)
        assert await write_sidecars(world, store) == 1
        assert await write_sidecars(world, store) == 0
        await world.deliver()
    told = [Webhook(secret(1)).verify(post.body, dict(post.headers)) for post in host.posts]
    assert [one["type"] for one in told] == ["asset.archived", "asset.dead", "task.settled"]
    archived, dead, settled = (one["data"] for one in told)
    assert archived["asset"]["sha256"] == hashlib.sha256(picture(LINK)).hexdigest()
    assert archived["asset"]["object_key"] in store.objects
    assert dead["asset"]["reason"] == "too_large"
    assert settled["task"]["id"] == TASK
    assert settled["assets"] == [archived["asset"], dead["asset"]]


async def test_nothing_is_told_of_what_no_sidecar_shows_yet(world: World, tmp_path: Path) -> None:
    full = [True]
    store = MemoryStore(tmp_path, ill=lambda verb, _key: "full" if verb == "replace" and full else None)
    await completed(world)
    await archive(world, store)
    writer = SidecarWriter(catalog=world.catalog, store=store)
    [claimed] = await writer.claim(1)
    with pytest.raises(StorageUnavailable):
        await writer.work(claimed)
    assert await world.told() == []
    full.clear()
    await writer.release(claimed)
    await write_sidecars(world, store)
    assert len(await world.told()) == 3
