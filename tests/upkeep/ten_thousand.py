"""An archive of ten thousand images on disk, made at once: rows and files, as a server would have left them."""

import hashlib
import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from service.catalog.catalog import Catalog
from service.catalog.tasks import TaskState
from service.domain.asset import Asset, AssetStatus, Stored
from service.domain.image import Image, ImageFormat
from service.domain.object_key import asset_key
from service.domain.task import Rank, Task, TaskStatus
from tests.support.deliveries import NOW

TASKS, EACH = 5_000, 2
IMAGES = TASKS * EACH
TOGETHER = 500
LARGEST = 20 * 2**20
WORDS = ("a lighthouse", "日落", "=SUM(A1:A9)", "foggy", "line\r\nbreak", 'a "quoted" sea', "-5 degrees")


async def fill(catalog: Catalog, root: Path) -> None:
    """Tasks with two images each, of 2 to 60 KiB and one of 20 MiB."""
    dice = random.Random(20260501)
    noise = dice.randbytes(2**20)
    for first in range(0, TASKS, TOGETHER):
        states = [_state(number, root, dice, noise) for number in range(first, first + TOGETHER)]
        await catalog.write(lambda tx, some=states: tx.tasks.save([(None, state) for state in some]))  # type: ignore[misc]


def _state(number: int, root: Path, dice: random.Random, noise: bytes) -> TaskState:
    at = NOW + timedelta(seconds=number)
    task = Task(
        id=f"task-unified-{1756800000 + number}-{number:05d}",
        source="evolink",
        received_at=at,
        created_at=at,
        settled_at=at,
        archive_date=at.date(),
        status=TaskStatus.COMPLETED,
        rank=Rank.COMPLETED,
        confirmed=True,
        model="gpt-image-2",
        prompt=" ".join(dice.choices(WORDS, k=6)),
        tags={"team": f"team-{number % 7}"},
        ref=f"order-{number}",
        provider_json='{"results": ["https://files.evolink.ai/secret.png"]}',
    )
    return TaskState(task, tuple(_images(task, number, root, dice, noise)))


def _images(task: Task, number: int, root: Path, dice: random.Random, noise: bytes) -> Iterator[Asset]:
    assert task.archive_date is not None
    for index in range(EACH):
        size = LARGEST if (number, index) == (TASKS // 2, 0) else dice.randrange(2_000, 60_000)
        start = dice.randrange(len(noise) // 2)
        body = (noise * 21)[:size] if size == LARGEST else noise[start : start + size]
        digest = hashlib.sha256(body).hexdigest()
        key = asset_key(task.source, task.archive_date, task.id, index, digest, ImageFormat.PNG)
        path = root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
        yield Asset(
            task_id=task.id,
            index=index,
            links=(f"https://files.evolink.ai/{task.id}/{index}.png",),
            refused=(),
            deadline=task.received_at + timedelta(hours=24),
            created_at=task.received_at,
            status=AssetStatus.ARCHIVED,
            attempts=1,
            stored=Stored(key, digest, size, Image(ImageFormat.PNG, 8, 6)),
            archived_at=task.received_at,
        )
