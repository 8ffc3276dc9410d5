"""Verifying: the catalog held against the store, and the store against the catalog, beside a server that works.

What looks wrong is looked at again after a while, because somebody may be at work on it just then. Memory is constant:
both sides are walked in pages.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from service.catalog.catalog import Catalog, Transaction
from service.catalog.walk import walk_end
from service.domain.object_key import folder
from service.domain.thumbnail import FOLDER
from service.errors import NotFound, StorageUnavailable
from service.storage import Entry, ObjectStore
from service.upkeep.file_check import FileCheck, pages_of, still
from service.upkeep.findings import Finding, Kind
from service.upkeep.journal import Journal, Phase, Position
from service.upkeep.repair import Repair
from service.upkeep.row_check import RowCheck, Seen, Tell

TASKS_TOGETHER = 100
LOOK_AGAIN_AFTER = 1.0
"""Seconds; between storing an image and writing that down lie milliseconds."""

STAGED_TOO_LONG = timedelta(days=1)

Found = Callable[[Finding], None]


@dataclass(frozen=True, slots=True)
class Expected:
    """How much there is to look at, as the catalog has it; `size` in bytes."""

    tasks: int
    images: int
    size: int


def _untold(_: Seen) -> None:
    pass


class Verifier:
    """Looks, and with `repair` mends what can be mended safely. `found` hears what is wrong, `tell` what was looked at.

    Every method raises Unavailable when the catalog or the store is ill.
    """

    def __init__(
        self,
        *,
        catalog: Catalog,
        store: ObjectStore,
        found: Found,
        tell: Tell,
        hashing: bool = True,
        repair: Repair | None = None,
        look_again_after: float = LOOK_AGAIN_AFTER,
    ) -> None:
        self._catalog = catalog
        self._store = store
        self._found = found
        self._told = tell
        self._rows = RowCheck(catalog=catalog, store=store, hashing=hashing)
        self._files = FileCheck(catalog=catalog, store=store)
        self._repair = repair
        self._look_again_after = look_again_after
        self._seen = Seen()

    async def expected(self) -> Expected:
        figures = await self._catalog.read(lambda tx: tx.figures.count())
        return Expected(sum(figures.tasks.values()), figures.assets["archived"], figures.archived_bytes)

    async def everything(self, journal: Journal, *, now: datetime) -> Seen:
        """Look at all there is, from where the journal stands; returns what was looked at, over all runs."""
        await self._refuse_an_empty_store()
        start = journal.position
        self._tell(start.seen)
        if start.phase is Phase.ROWS:
            await self._all_rows(journal, int(start.after or 0))
            start = Position(Phase.FILES)
        await self._all_files(journal, start.after)
        for finding in await asyncio.to_thread(_left_in, self._store.staging, now - STAGED_TOO_LONG):
            self._found(finding)
        return self._seen

    async def tasks(self, task_ids: Sequence[str]) -> Seen:
        """Look at these tasks alone. Raises NotFound for one that the catalog does not know."""
        states = await self._catalog.read(lambda tx: tx.tasks.load(task_ids))
        for task_id in task_ids:
            if task_id not in states:
                raise NotFound("task_not_found", f"no such task: {task_id}")
        await self._refuse_an_empty_store()
        await self._conclude(await self._rows_twice(task_ids))
        for task in (states[task_id].task for task_id in task_ids):
            if task.archive_date is not None:
                path = folder(task.source, task.archive_date, task.id)
                for prefix in (f"{path}/", f"{FOLDER}/{path}/"):
                    await self._look_at_files([one async for one in self._store.list(prefix)])
        return self._seen

    async def _all_rows(self, journal: Journal, after: int) -> None:
        end = await walk_end(lambda: self._catalog.read(lambda tx: tx.walk.horizon()))
        while page := await self._catalog.read(partial(_next_tasks, after=after, until=end)):
            found = await self._conclude(await self._rows_twice([task_id for _, task_id in page]))
            after = page[-1][0]
            journal.note(found, Position(Phase.ROWS, str(after), self._seen))

    async def _all_files(self, journal: Journal, after: str) -> None:
        async with aclosing(pages_of(self._store, after=after)) as pages:
            async for page in pages:
                found = await self._look_at_files(page)
                journal.note(found, Position(Phase.FILES, page[-1].key, self._seen))

    async def _rows_twice(self, task_ids: Sequence[str]) -> list[Finding]:
        first = await self._rows.look(task_ids, self._tell)
        suspects = list(dict.fromkeys(finding.task_id for finding in first if finding.task_id is not None))
        if not suspects:
            return []
        await asyncio.sleep(self._look_again_after)
        return still(first, await self._rows.look(suspects, _untold))

    async def _look_at_files(self, entries: Sequence[Entry]) -> list[Finding]:
        found = await self._files.look_twice(entries, self._tell, again_after=self._look_again_after)
        return await self._conclude(found)

    async def _conclude(self, findings: Sequence[Finding]) -> list[Finding]:
        """Repair where asked to, and tell; returns the findings with what was done."""
        concluded = []
        for finding in findings:
            done = await self._repair.repair(finding) if self._repair is not None else None
            concluded.append(replace(finding, done=done))
            self._found(concluded[-1])
        return concluded

    async def _refuse_an_empty_store(self) -> None:
        """A disk that is not mounted looks like an archive that lost everything; nothing may be concluded from it."""
        if (await self.expected()).images == 0:
            return
        async for _ in self._store.list():
            return
        raise StorageUnavailable("the archive is empty, though the catalog has images in it: is its disk mounted?")

    def _tell(self, seen: Seen) -> None:
        self._seen += seen
        self._told(seen)


def _next_tasks(tx: Transaction, *, after: int, until: int) -> list[tuple[int, str]]:
    return tx.walk.with_folder(after=after, limit=TASKS_TOGETHER, until=until)


def _left_in(staging: Path, before: datetime) -> list[Finding]:
    """Staged files that nobody can be at work on any more."""
    found = []
    for path in sorted(staging.iterdir()):
        with suppress(FileNotFoundError):
            written = datetime.fromtimestamp(path.lstat().st_mtime, UTC)
            if written < before:
                found.append(Finding(Kind.STAGED, str(path), f"staged at {written:%Y-%m-%d %H:%M} UTC"))
    return found
