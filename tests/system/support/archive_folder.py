"""What lies in a data directory, seen from outside."""

import json
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

    def files(self) -> dict[str, list[str]]:
        """All files by task id, sorted; raises AssertionError for one that lies elsewhere."""
        found: dict[str, list[str]] = {}
        for path in sorted(self._root.rglob("*")):
            relative = path.relative_to(self._root).as_posix()
            if path.is_dir() or relative.startswith(STAGING):
                continue
            place = PLACE.fullmatch(relative)
            assert place is not None, f"{relative} does not belong into an archive"
            found.setdefault(place["task"], []).append(place["name"])
        return found

    def staged(self) -> list[str]:
        """Names of unfinished files."""
        return sorted(path.name for path in (self._root / STAGING).iterdir())

    def bytes_of(self, object_key: str) -> bytes:
        return (self._root / object_key).read_bytes()

    async def settled_sidecar(self, task_id: str) -> Any:
        """The document beside a task's images, as soon as it tells that the task is settled."""

        async def look() -> Any:
            found = [json.loads(path.read_bytes()) for path in self._root.glob(f"evolink/*/*/*/{task_id}/task.json")]
            return next((document for document in found if document["task"]["settled_at"]), None)

        return await eventually(look, what=f"the sidecar of {task_id} tells that it is settled")
