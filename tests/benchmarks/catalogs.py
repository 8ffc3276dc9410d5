"""Callbacks a second through the door on SQLite and on PostgreSQL: `python -m tests.benchmarks.catalogs`.

Both sync each commit: SQLite with `synchronous=FULL`, PostgreSQL with `fsync` on, in a folder beside each other.
"""

import asyncio
import tempfile
import time
from pathlib import Path

from service.catalog.catalog import Catalog
from tests.support.deliveries import delivery, task_object
from tests.support.door import intake_of
from tests.support.migrated import put_migrated
from tests.support.postgres import PostgresDatabases, own_server

CALLBACKS = 3000
AT_ONCE = (1, 16, 128)


async def measure(catalog: Catalog, run: str) -> None:
    intake = intake_of(catalog)
    running = asyncio.create_task(intake.run())
    for at_once in AT_ONCE:
        number = CALLBACKS if at_once > 1 else CALLBACKS // 10
        bodies = iter([delivery(task_object(task_id=f"task-{run}-{at_once}-{n:05}")) for n in range(number)])

        async def one_by_one(waiting=bodies) -> None:  # type: ignore[no-untyped-def]
            for body in waiting:
                await intake.accept(body)

        began = time.perf_counter()
        await asyncio.gather(*(one_by_one() for _ in range(at_once)))
        spent = time.perf_counter() - began
        each = 1000 * spent * at_once / number
        print(f"{run:12} {at_once:4} at once: {number / spent:7.0f} a second, {each:6.1f} ms each")
    running.cancel()
    await asyncio.wait([running])


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, own_server(synced=True) as server:
        databases = PostgresDatabases(server.url)
        for name, where in (("sqlite", put_migrated(Path(folder) / "x.db")), ("postgresql", databases.new())):
            catalog = Catalog(where)
            catalog.open()
            asyncio.run(measure(catalog, name))
            catalog.close()


if __name__ == "__main__":
    main()
