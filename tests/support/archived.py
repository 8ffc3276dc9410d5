"""Tasks whose images are archived, as rows alone: no bytes lie anywhere."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from service.catalog.tasks import TaskState
from service.domain.asset import Asset, AssetStatus, Stored
from service.domain.image import Image, ImageFormat
from service.domain.task import Hold, Rank, Task, TaskStatus


def archived_task(
    task_id: str,
    *,
    at: datetime,
    sizes: Sequence[int] = (100,),
    tags: Mapping[str, str] | None = None,
    hold: Hold | None = None,
) -> TaskState:
    """A task that was settled at a time, its images of these bytes archived then, a second apart."""
    task = Task(
        task_id,
        "evolink",
        received_at=at,
        status=TaskStatus.COMPLETED,
        rank=Rank.COMPLETED,
        tags=tags or {},
        created_at=at,
        settled_at=at,
        archive_date=at.date(),
        hold=hold,
    )
    return TaskState(task, tuple(_image(task_id, index, size, at) for index, size in enumerate(sizes)))


def _image(task_id: str, index: int, size: int, at: datetime) -> Asset:
    stored = Stored(f"{task_id}/{index}.png", f"{index:064x}", size, Image(ImageFormat.PNG, 8, 6))
    return Asset(
        task_id,
        index,
        links=(f"https://files.evolink.ai/{task_id}/{index}.png",),
        deadline=at,
        created_at=at,
        status=AssetStatus.ARCHIVED,
        stored=stored,
        archived_at=at + timedelta(seconds=index),
    )
