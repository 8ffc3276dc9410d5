"""What lies in a data directory, seen from outside."""

import json
import os
import re
from pathlib import Path
from typing import Any

from tests.system.support.waiting import eventually

STAGING = ".staging"

PLACE = re.compile(r"evolink/\d{4}/\d{2}/\d{2}/(?P<task>[^/]+)/(?P<name>[^/]+)")


class ArchiveFolder:
    """The archive of one data directory."""

    def __init__(self, data_dir: Path) -> None:
        self._root = data_dir / "archive"
        self._staging = self._root / STAGING

    def keys(self) -> list[str]:
        """The names of all files, sorted."""
        # os.walk forgives folders that are removed meanwhile, as rglob does not
        paths = (Path(folder, name) for folder, _, names in os.walk(self._root) for name in names)
        found = sorted(path.relative_to(self._root).as_posix() for path in paths)
        return [key for key in found if not key.startswith(STAGING)]

    def files(self) -> dict[str, list[str]]:
        """All files by task id, sorted; raises AssertionError for one that lies elsewhere."""
        found: dict[str, list[str]] = {}
        for key in self.keys():
            place = PLACE.fullmatch(key)
            assert place is not None, f"{key} does not belong into an archive"
            found.setdefault(place["task"], []).append(place["name"])
        return found

    def staged(self) -> list[str]:
        """Names of unfinished files."""
        return sorted(path.name for path in self._staging.iterdir())

    def bytes_of(self, object_key: str) -> bytes:
        return (self._root / object_key).read_bytes()

    async def settled_sidecar(self, task_id: str) -> Any:
        """The document beside a task's images, as soon as it tells that the task is settled."""

        async def look() -> Any:
            found = [json.loads(self.bytes_of(key)) for key in self.keys() if key.endswith(f"/{task_id}/task.json")]
            return next((document for document in found if document["task"]["settled_at"]), None)

        return await eventually(look, what=f"the sidecar of {task_id} tells that it is settled")
