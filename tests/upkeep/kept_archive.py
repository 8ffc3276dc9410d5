"""An archive on disk with its catalog, worked on step by step without a network, and what upkeep says of it."""

import hashlib
import io
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image as Picture

from service.archive.deletion import delete
from service.catalog.catalog import Catalog
from service.catalog.tasks import TaskState
from service.domain.attempt import Failed
from service.domain.object_key import folder, sidecar_key
from service.domain.rules import ConfirmMode, Rules
from service.intake.batch import take_in
from service.storage import ObjectStore
from service.storage.filesystem import FilesystemStore
from service.upkeep.findings import Finding, Kind
from service.upkeep.journal import open_journal
from service.upkeep.rebuild import Rebuild, Rebuilt
from service.upkeep.repair import Repair
from service.upkeep.row_check import Seen
from service.upkeep.verify import Verifier
from tests.support.deliveries import RULES, TASK, delivery, task_object
from tests.support.fetching import FakeFetcher, archive_due, archiver_for, purge_due, write_sidecars
from tests.support.looking import Answering, look_due
from tests.support.migrated import put_migrated

ASKING = replace(RULES, mode=ConfirmMode.PREFERRED, can_ask=True)


def link_to(task_id: str, index: int) -> str:
    return f"https://files.evolink.ai/{task_id}/{index}.png"


def picture(link: str) -> bytes:
    """A real image of 8 by 6 pixels, as the fake fetcher says it is; another one for each link."""
    file = io.BytesIO()
    noise = b"".join(hashlib.sha256(f"{link}{part}".encode()).digest() for part in range(5))
    Picture.frombytes("RGB", (8, 6), noise[: 8 * 6 * 3]).save(file, "PNG")
    return file.getvalue()


@dataclass(frozen=True, slots=True)
class Report:
    """What a run found, and what it looked at or put into the catalog."""

    findings: list[Finding]
    seen: Seen = field(default_factory=Seen)
    rebuilt: Rebuilt = field(default_factory=Rebuilt)

    @property
    def kinds(self) -> list[Kind]:
        return [finding.kind for finding in self.findings]


@dataclass(frozen=True, slots=True)
class Archive:
    """A catalog and a store; `folder` holds both."""

    folder: Path
    catalog: Catalog
    store: ObjectStore
    rules: Rules = RULES

    async def complete(
        self, task_id: str = TASK, *, images: int = 1, age: timedelta = timedelta(), **told: Any
    ) -> None:
        """A task completed so long ago; its images wait."""
        body = task_object(task_id=task_id, results=[link_to(task_id, index) for index in range(images)], **told)
        await self.arrive(body, age=age)

    async def arrive(self, body: Mapping[str, Any], *, age: timedelta = timedelta()) -> None:
        arrived = delivery(body, at=datetime.now(UTC) - age)
        await self.catalog.write(partial(take_in, batch=[arrived], rules=self.rules))

    async def work(self, answers: Mapping[str, bytes | Failed | Exception] | None = None) -> None:
        """What a server does with all that is due: archive, purge, write sidecars."""
        archiver = archiver_for(self.catalog, self.store, RealPictures(self.store.staging, answers))
        while await archive_due(archiver):
            pass
        await purge_due(self.catalog, self.store)
        while await write_sidecars(self.catalog, self.store):
            pass

    async def look(self) -> None:
        """What a server does after that: look at the images, and tell it in the sidecars."""
        await look_due(self.catalog, self.store, Answering())
        await self.work()

    async def keep(self, *task_ids: str, images: int = 1, age: timedelta = timedelta()) -> None:
        """Completed tasks, archived and settled."""
        for task_id in task_ids or (TASK,):
            await self.complete(task_id, images=images, age=age)
        await self.work()

    async def delete(self, index: int, task_id: str = TASK) -> None:
        await self.catalog.write(partial(delete, task_id=task_id, index=index))

    async def state(self, task_id: str = TASK) -> TaskState:
        state = await self.catalog.read(lambda tx: tx.tasks.get(task_id))
        assert state is not None, f"{task_id} is not in the catalog"
        return state

    async def key(self, index: int = 0, task_id: str = TASK) -> str:
        stored = (await self.state(task_id)).assets[index].stored
        assert stored is not None
        return stored.object_key

    async def sidecar(self, task_id: str = TASK) -> str:
        task = (await self.state(task_id)).task
        assert task.archive_date is not None
        return sidecar_key(task.source, task.archive_date, task.id)

    async def home(self, task_id: str = TASK) -> str:
        task = (await self.state(task_id)).task
        assert task.archive_date is not None
        return folder(task.source, task.archive_date, task.id)

    def path(self, key: str) -> Path:
        """Where an object lies on disk."""
        return self.folder / "archive" / key

    def flip_a_byte(self, key: str) -> None:
        whole = bytearray(self.path(key).read_bytes())
        whole[len(whole) // 2] ^= 1
        self.path(key).write_bytes(whole)

    def objects(self) -> dict[str, bytes]:
        """Everything in the store, by key."""
        root = self.folder / "archive"
        files = [path for path in root.rglob("*") if path.is_file() and ".staging" not in path.parts]
        return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}

    async def verify(
        self,
        *task_ids: str,
        quick: bool = False,
        repair: bool = False,
        resume: bool = False,
        found: Callable[[Finding], None] = lambda _: None,
        now: datetime | None = None,
    ) -> Report:
        """A whole run, or one over some tasks; it looks again at once."""
        findings: list[Finding] = []
        seen = Seen()

        def hear(finding: Finding) -> None:
            findings.append(finding)
            found(finding)

        mending = Repair(catalog=self.catalog, store=self.store, rules=self.rules) if repair else None
        verifier = Verifier(
            catalog=self.catalog,
            store=self.store,
            found=hear,
            tell=lambda _: None,
            hashing=not quick,
            repair=mending,
            look_again_after=0,
        )
        if task_ids:
            return Report(findings, await verifier.tasks(task_ids))
        with open_journal(self.folder / "journal", resume=resume, quick=quick, found=findings.append) as journal:
            seen = await verifier.everything(journal, now=now or datetime.now(UTC))
        return Report(findings, seen)

    async def rebuild(self, *, verify_bytes: bool = False, now: datetime | None = None) -> Report:
        """Rebuild this catalog from the store."""
        findings: list[Finding] = []
        told: list[Rebuilt] = []
        at = now or datetime.now(UTC)
        work = Rebuild(
            catalog=self.catalog,
            store=self.store,
            rules=self.rules,
            max_pixels=1000,
            now=lambda: at,
            found=findings.append,
            tell=told.append,
            verify_bytes=verify_bytes,
        )
        await work.run()
        return Report(findings, rebuilt=sum(told, Rebuilt()))

    @asynccontextmanager
    async def without_database(self, **changed: Any) -> AsyncIterator["Archive"]:
        """The same store with a catalog that is new."""
        catalog = Catalog(put_migrated(self.folder / f"new-{len(list(self.folder.iterdir()))}.db"))
        catalog.open()
        yield replace(self, catalog=catalog, **changed)
        catalog.close()


class RealPictures(FakeFetcher):
    """Brings images that are some."""

    def __init__(self, staging: Path, answers: Mapping[str, bytes | Failed | Exception] | None = None) -> None:
        super().__init__(staging)
        self._answers = _Pictures(answers or {})


class _Pictures(dict[str, bytes | Failed | Exception]):
    def get(self, link: str, default: Any = None) -> Any:
        return super().get(link, picture(link))


def opened_archive(tmp_path: Path, catalog: Catalog) -> Archive:
    store = FilesystemStore(tmp_path / "archive")
    store.open()
    return Archive(tmp_path, catalog, store)
