"""Rows of a large archive for somebody to look at: `python -m tests.benchmarks.wall DATABASE IMAGES`.

In a database that is there already, so many come just now. No bytes lie anywhere: every thumbnail is a missing one.
"""

import asyncio
import random
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from service.catalog.catalog import Catalog
from service.catalog.tasks import TaskState
from service.domain.details import Looked
from service.domain.image import Image, ImageFormat
from tests.benchmarks.questions import TOGETHER, task_of
from tests.support.archived import archived_task
from tests.support.migrated import put_migrated

SHAPES = ((1024, 1024), (1536, 1024), (1024, 1536), (2048, 1024))


def seen(state: TaskState, chance: random.Random) -> TaskState:
    """The task with images of several shapes, that nobody has to look at any more."""
    assets = []
    for asset in state.assets:
        assert asset.stored is not None
        width, height = chance.choice(SHAPES)
        stored = replace(asset.stored, image=Image(ImageFormat.PNG, width, height))
        pixels = {"average": f"#{chance.randrange(2**24):06x}"}
        assets.append(replace(asset, stored=stored, details={"version": Looked.AT_THE_PIXELS.value, "pixels": pixels}))
    return TaskState(state.task, tuple(assets))


async def fill(catalog: Catalog, images: int) -> None:
    chance, tasks = random.Random(1), images // 2
    for first in range(0, tasks, TOGETHER):
        some = [seen(task_of(number, tasks, chance), chance) for number in range(first, min(first + TOGETHER, tasks))]
        await catalog.write(lambda tx, some=some: tx.tasks.save([(None, one) for one in some]))  # type: ignore[misc]


async def add(catalog: Catalog, images: int) -> None:
    now = datetime.now(UTC)
    some = [archived_task(f"task-now-{n:04}", at=now + timedelta(milliseconds=n)) for n in range(images)]
    states = [seen(state, random.Random(1)) for state in some]
    await catalog.write(lambda tx: tx.tasks.save([(None, state) for state in states]))


def main() -> None:
    where, images = Path(sys.argv[1]), int(sys.argv[2])
    work = add if where.exists() else fill
    catalog = Catalog(where if where.exists() else put_migrated(where))
    catalog.open()
    asyncio.run(work(catalog, images))
    catalog.close()


if __name__ == "__main__":
    main()
