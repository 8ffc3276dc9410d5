"""What one image costs on PostgreSQL, step by step: `python -m tests.benchmarks.costs`, for docs/scale.md.

Each step is the service's own, many at once as in a running service; what is outside of it (the provider, the image
host, the bucket) costs nothing here. Rows are as large as the provider's are.
"""

import asyncio
import multiprocessing
import os
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeVar

import psutil

from service.archive.sidecar_writer import SidecarWriter
from service.catalog.catalog import Catalog
from service.cli.ending import leave
from service.provider.reading import Reading
from service.upkeep.raw_bodies import RawBodies
from service.upkeep.rebuild import Rebuild
from tests.storage.test_cloud import cloud_at
from tests.support.deliveries import delivery, task_object
from tests.support.door import intake_of
from tests.support.fake_provider import FakeProvider, asker
from tests.support.fetching import FakeFetcher, archiver_for
from tests.support.ledger import CONFIRMING, Clock, Ledger, found
from tests.support.memory_store import MemoryStore
from tests.support.moto_bucket import s3_server
from tests.support.postgres import PostgresDatabases, own_server, rows_of

IMAGES = 4000
AT_ONCE = 32
UPLOADS, UPLOAD_BYTES = 128, 2 * 2**20
PROMPT = "A lighthouse at dusk, long exposure, film grain, seen from the cliffs. " * 8
TABLES = ("callbacks", "tasks", "assets", "history")
METERS = (
    "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint, "
    "pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint"
)
"""Transactions that wrote something, and bytes of the write-ahead log."""
SIZES = "SELECT pg_table_size('{0}')::bigint, pg_indexes_size('{0}')::bigint, (SELECT count(*) FROM \"{0}\")"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Meter:
    """The meters at one moment; `ours` and `theirs` are seconds of processors, here and in the server."""

    wall: float
    ours: float
    theirs: float
    commits: int
    log: int


def body(number: int) -> dict[str, Any]:
    return task_object(
        task_id=f"task-unified-{1756800000 + number}-{number:08x}",
        results=[f"https://files.evolink.ai/2026/05/01/{number:032x}/0.png?sig={number:064x}"],
        prompt=PROMPT,
        usage={"billing_rule": "per_call", "credits_reserved": 1.2, "user_group": "default"},
        task_info={"can_cancel": False, "estimated_time": 30},
    )


class Meters:
    """What the steps are measured by."""

    def __init__(self, url: str, server: int) -> None:
        self._url = url
        self._server = psutil.Process(server)

    def read(self) -> Meter:
        [(commits, log)] = rows_of(self._url, METERS)
        there = [self._server, *self._server.children()]
        theirs = sum(sum(one.cpu_times()[:2]) for one in there)
        return Meter(time.perf_counter(), time.process_time(), theirs, commits, log)

    def tell(self, name: str, before: Meter, number: int = IMAGES) -> None:
        now = self.read()
        seconds = now.wall - before.wall
        here, there = (1000 * spent / number for spent in (now.ours - before.ours, now.theirs - before.theirs))
        commits, log = (now.commits - before.commits) / number, (now.log - before.log) / number / 1024
        print(f"{name:20} {number / seconds:6.0f} a second {here:6.2f} ms here {there:6.2f} ms there", end=" ")
        print(f"{commits:6.2f} commits {log:6.2f} KiB of log")


async def spread(things: Iterable[T], work: Callable[[T], Awaitable[object]]) -> None:
    """Do all, many at once."""
    waiting = iter(things)

    async def one_by_one() -> None:
        for thing in waiting:
            await work(thing)

    await asyncio.gather(*(one_by_one() for _ in range(AT_ONCE)))


async def until_none(claim: Callable[[int], Awaitable[list[T]]], work: Callable[[T], Awaitable[object]]) -> None:
    while claimed := await claim(AT_ONCE):
        await spread(claimed, work)


async def measure(catalog: Catalog, meters: Meters, folder: Path) -> MemoryStore:
    ledger = Ledger(catalog, Clock(datetime.now(UTC)), CONFIRMING)
    await ledger.prove_key()
    store = MemoryStore(folder)
    intake = intake_of(catalog, rules=CONFIRMING)
    running = asyncio.create_task(intake.run())
    before = meters.read()
    await spread(range(IMAGES), lambda number: intake.accept(delivery(body(number), at=ledger.clock.now)))
    meters.tell("callback", before)
    running.cancel()
    await asyncio.wait([running])

    def answer(task_id: str) -> Reading:
        return found(**body(int(task_id.rpartition("-")[2], 16)) | {"task_id": task_id})

    asking = asker(ledger, FakeProvider(answer, most_at_once=1))
    before = meters.read()
    await until_none(asking.claim, asking.work)
    meters.tell("question and answer", before)
    archiver = archiver_for(catalog, store, FakeFetcher(folder))
    before = meters.read()
    await until_none(archiver.claim, archiver.work)
    meters.tell("image", before)
    writer = SidecarWriter(catalog=catalog, store=store)
    before = meters.read()
    await until_none(writer.claim, writer.work)
    meters.tell("sidecar", before)
    return store


async def measure_upkeep(catalog: Catalog, empty: Catalog, store: MemoryStore, meters: Meters) -> None:
    before = meters.read()
    assert await RawBodies(catalog=catalog, after=timedelta()).clear() == IMAGES
    meters.tell("raw body cleared", before)
    before = meters.read()
    rebuild = Rebuild(
        catalog=empty,
        store=store,
        rules=CONFIRMING,
        max_pixels=1,
        now=lambda: datetime.now(UTC),
        found=lambda _: None,
        tell=lambda _: None,
    )
    await rebuild.run()
    meters.tell("rebuilt", before)


def serve_bucket(ready: Connection) -> None:
    with s3_server() as server:
        ready.send((server.fresh_place(), server.options))
        ready.recv()


async def measure_uploads(meters: Meters, folder: Path) -> None:
    """To a server in a process of its own, without TLS."""
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve_bucket, args=(theirs,), daemon=True)
    server.start()
    place, options = ours.recv()
    store = cloud_at(place, options, folder)
    for number in range(UPLOADS):
        (store.staging / str(number)).write_bytes(os.urandom(UPLOAD_BYTES))
    before = meters.read()
    await spread(range(UPLOADS), lambda number: store.put(f"{number}.png", store.staging / str(number)))
    meters.tell("upload of 2 MiB", before, UPLOADS)
    ours.send("done")
    server.join()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, own_server(synced=True) as server:
        databases = PostgresDatabases(server.url)
        url, meters = str(databases.new()), Meters(server.url, server.pid)
        catalog, empty = Catalog(url), Catalog(databases.new())
        catalog.open()
        empty.open()
        store = asyncio.run(measure(catalog, meters, Path(folder)))
        sizes = [rows_of(url, SIZES.format(table))[0] for table in TABLES]
        asyncio.run(measure_upkeep(catalog, empty, store, meters))
        asyncio.run(measure_uploads(meters, Path(folder)))
        empty.close()
        catalog.close()
        for table, (size, indexes, rows) in zip(TABLES, sizes, strict=True):
            print(
                f"{table:12} {rows / IMAGES:4.1f} rows an image, {size / rows:6.0f} + {indexes / rows:5.0f} bytes a row"
            )


if __name__ == "__main__":
    main()
    leave(0)
