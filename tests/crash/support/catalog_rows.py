"""What the database of a running server says, read beside it."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from tests.system.support.waiting import eventually

_TASKS = "SELECT id, status, version, sidecar_version, settled_at IS NOT NULL FROM tasks ORDER BY id"
_ASSETS = 'SELECT task_id, status, purged, details_version FROM assets ORDER BY task_id, "index"'


@dataclass(frozen=True, slots=True)
class TaskRow:
    """A task; `assets` are the statuses of its images."""

    id: str
    status: str
    version: int
    sidecar_version: int
    settled: bool
    assets: tuple[str, ...]
    images_at_rest: bool

    @property
    def at_rest(self) -> bool:
        """Whether nothing is left to do for it."""
        return self.settled and self.version == self.sidecar_version and self.images_at_rest


def task_rows(data: Path) -> dict[str, TaskRow]:
    """Every task by its id."""
    with closing(sqlite3.connect(f"file:{data / 'darkroom.db'}?mode=ro", uri=True, timeout=5)) as database:
        tasks, assets = database.execute(_TASKS).fetchall(), database.execute(_ASSETS).fetchall()
    found = {}
    for task_id, status, version, sidecar_version, settled in tasks:
        own = [asset[1:] for asset in assets if asset[0] == task_id]
        at_rest = all(purged or looked_at or state not in ("deleted", "archived") for state, purged, looked_at in own)
        states = tuple(asset[0] for asset in own)
        found[task_id] = TaskRow(task_id, status, version, sidecar_version, bool(settled), states, at_rest)
    return found


async def all_at_rest(data: Path, *, within: float) -> dict[str, TaskRow]:
    """The tasks, as soon as nothing is left to do for any; raises AssertionError when that takes too long."""

    async def look() -> dict[str, TaskRow] | None:
        rows = task_rows(data)
        return rows if all(row.at_rest for row in rows.values()) else None

    try:
        return await eventually(look, what="every task is at rest", within=within)
    except AssertionError as error:
        left = [row for row in task_rows(data).values() if not row.at_rest]
        raise AssertionError(f"{error}; left: {left}") from None
