"""Generation jobs that are done: a task, its pictures on the image host, and the callback that tells of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.system.support.answers import Answer
from tests.system.support.darkroom import Darkroom
from tests.system.support.image_host import ImageHost
from tests.system.support.pictures import Picture, a_picture
from tests.system.support.provider import new_task_id, task_object
from tests.system.support.waiting import eventually


@dataclass(frozen=True, slots=True)
class Job:
    """A finished task as the provider knows it."""

    task_id: str
    pictures: tuple[Picture, ...]
    links: tuple[str, ...]
    body: bytes

    @property
    def files(self) -> list[str]:
        """The names that its folder in the archive must have, no more and no fewer."""
        names = [f"{index}-{one.sha256[:12]}.{one.extension}" for index, one in enumerate(self.pictures)]
        return sorted([*names, "task.json"])


def new_job(
    host: ImageHost, answers: Callable[[Picture], tuple[Answer, ...]], *, images: int = 1, side: int = 48
) -> Job:
    """A job whose pictures are answered for as `answers` says."""
    task_id = new_task_id()
    pictures = tuple(a_picture((task_id, index), side=side) for index in range(images))
    links = tuple(host.put(*answers(picture), extension=picture.extension) for picture in pictures)
    return Job(task_id, pictures, links, task_object(task_id, links=links))


async def assert_archived(service: Darkroom, job: Job, *, within: float = 30.0) -> None:
    """Wait until a job is settled, and check what the API and the disk say; each image must have taken one attempt."""
    task: Any = await service.api.settled(job.task_id, within=within)
    told = [(asset["status"], asset["attempts"], asset["sha256"], asset["bytes"]) for asset in task["assets"]]
    assert told == [("archived", 1, picture.sha256, len(picture.body)) for picture in job.pictures]
    assert task["status"] == "completed"
    on_disk = [service.archive.bytes_of(asset["object_key"]) for asset in task["assets"]]
    assert on_disk == [picture.body for picture in job.pictures]
    await service.archive.settled_sidecar(job.task_id)


async def all_looked_at(service: Darkroom, *, within: float = 30.0) -> None:
    """Wait until nothing more becomes known of the images by itself, and all of it stands in the sidecars."""

    async def look() -> bool | None:
        archived = await service.api.all("/v1/assets", status="archived")
        if not all(one["details"] is not None and one["details"]["version"] == 2 for one in archived):
            return None
        stats = await service.api.client.get("/v1/stats")
        return stats.json()["waiting"]["sidecars"] == 0 or None

    await eventually(look, what="all images are looked at", within=within)
