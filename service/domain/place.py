"""What a name in the store says: the inverse of `object_key`. Anything that it did not make is nobody's place."""

import re
from dataclasses import dataclass

from service.domain.object_key import is_task_id

SIDECAR = "task.json"
_PLACE = re.compile(r"(?P<folder>[a-z0-9][a-z0-9_-]{0,31}/\d{4}/\d{2}/\d{2}/(?P<task>[^/]+))/(?P<name>[^/]+)", re.ASCII)
_IMAGE = re.compile(r"(?P<index>0|[1-9]\d{0,3})-[0-9a-f]{12}\.(?:png|jpg|webp)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Place:
    """Where an object lies: in the folder of a task, under a name."""

    folder: str
    task_id: str
    name: str

    @property
    def is_sidecar(self) -> bool:
        return self.name == SIDECAR

    @property
    def index(self) -> int | None:
        """The index of the image that the name stands for; None for what is no image."""
        found = _IMAGE.fullmatch(self.name)
        return int(found["index"]) if found else None


def place_of(key: str) -> Place | None:
    """The place that a key names, or None when no task can have anything there."""
    found = _PLACE.fullmatch(key)
    if found is None or not is_task_id(found["task"]):
        return None
    return Place(found["folder"], found["task"], found["name"])
