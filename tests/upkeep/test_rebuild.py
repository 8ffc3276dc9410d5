"""The database is gone: sidecars and images are enough to have everything back, and to go on."""

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from service.catalog.catalog import Catalog
from service.catalog.tasks import TaskState
from service.domain.asset import AssetStatus
from service.domain.attempt import Failed, Failure
from service.domain.check import FIRST_CHECK
from service.domain.history import HistoryEntry
from service.domain.rules import ConfirmMode, Rules
from service.domain.task import Check, TaskStatus
from service.errors import Conflict, StorageUnavailable
from service.intake.batch import take_in
from service.intake.tagging import retag
from service.storage import Blocks
from service.upkeep import rebuild
from service.upkeep.findings import Kind
from tests.support.deliveries import RULES, TASK, delivery, task_object, token
from tests.support.memory_store import MemoryStore
from tests.upkeep.kept_archive import ASKING, Archive, link_to, picture

REFUSED = Failed(Failure.HTTP_STATUS, "the host answers 503")


async def everything(archive: Archive, task_id: str) -> tuple[TaskState, list[HistoryEntry], list[dict[str, Any]]]:
    """All that the catalog says of a task, but when it is to be asked about, and what only the database knew."""
    state = await archive.state(task_id)
    task = replace(state.task, check=Check())
    entries = await archive.catalog.read(lambda tx: tx.tasks.history(task_id))
    page = await archive.catalog.read(
        lambda tx: tx.query.callbacks(filters={"task_id": task_id}, after=None, limit=9),
    )
    shown = ("id", "origin", "task_id", "body_sha256", "token_id", "status", "verdict", "deliveries", "received_at")
    return (
        TaskState(task, state.assets),
        entries,
        [{name: row[name] for name in (*shown, "bytes")} for row in page.items],
    )


async def kinds_of_tasks(archive: Archive) -> list[str]:
    """An archive with every kind of task at rest; their ids."""
    await archive.keep("task-whole", images=3)
    await archive.look()
    await archive.arrive(task_object("failed", "task-failed", error={"code": "service_error"}))
    await archive.arrive(task_object("cancelled", "task-cancelled", usage={"credits_used": 1.5}))
    await archive.arrive(task_object("completed", "task-linkless", results=[]))
    await archive.keep("task-deleted", images=2)
    await archive.delete(1, "task-deleted")
    await archive.arrive(task_object("failed", "task-whole"))
    await archive.arrive(task_object(task_id="task-refused", results=["https://elsewhere.example/0.png"]))
    await archive.work()
    return ["task-whole", "task-failed", "task-cancelled", "task-linkless", "task-deleted", "task-refused"]


async def test_everything_is_as_it_was(archive: Archive) -> None:
    task_ids = await kinds_of_tasks(archive)
    objects = archive.objects()
    async with archive.without_database() as new:
        report = await new.rebuild()
        assert (report.findings, report.rebuilt.tasks) == ([], len(task_ids))
        assert (report.rebuilt.archived, report.rebuilt.deleted, report.rebuilt.dead) == (4, 1, 1)
        for task_id in task_ids:
            assert await everything(new, task_id) == await everything(archive, task_id)
        assert (await new.verify()).findings == []
    assert archive.objects() == objects


async def test_tags_stay_as_somebody_has_changed_them(archive: Archive) -> None:
    """Also where the callback URL that had brought others is called again."""
    minted = token(tags={"team": "shop", "stage": "draft"})

    async def call_back(house: Archive, status: str, **members: Any) -> None:
        arrived = delivery(task_object(status, **members), through=minted, at=datetime.now(UTC))
        await house.catalog.write(partial(take_in, batch=[arrived], rules=RULES))

    await call_back(archive, "completed", results=[link_to(TASK, 0)])
    await archive.work()
    await archive.catalog.write(partial(retag, task_id=TASK, changes={"team": None, "stage": None}))
    await archive.work()
    async with archive.without_database() as new:
        await new.rebuild()
        await call_back(new, "completed", results=[link_to(TASK, 0), link_to(TASK, 1)])
        state = await new.state()
        assert (len(state.assets), state.task.tags) == (2, {})


async def test_nothing_is_rewritten_needlessly(archive: Archive) -> None:
    await kinds_of_tasks(archive)
    objects = archive.objects()
    async with archive.without_database() as new:
        await new.rebuild()
        await new.work()
    assert archive.objects() == objects


async def test_lists_have_the_order_in_which_things_happened(archive: Archive) -> None:
    for days, task_id in ((1, "task-b"), (3, "task-c"), (2, "task-a")):
        await archive.keep(task_id, images=2, age=timedelta(days=days))
    async with archive.without_database() as new:
        await new.rebuild()
        tasks = await new.catalog.read(lambda tx: tx.query.tasks(after=None, limit=9))
        assets = await new.catalog.read(lambda tx: tx.query.assets(after=None, limit=9))
        callbacks = await new.catalog.read(lambda tx: tx.query.callbacks(filters={}, after=None, limit=9))
    newest_first = ["task-b", "task-a", "task-c"]
    assert [task.id for task in tasks.items] == newest_first
    assert [asset.id for asset in assets.items] == [f"{task_id}.{n}" for task_id in newest_first for n in (1, 0)]
    assert [row["task_id"] for row in callbacks.items] == newest_first


async def test_what_is_deleted_stays_deleted_and_its_bytes_go(archive: Archive) -> None:
    await archive.keep(images=2)
    key, body = await archive.key(1), archive.path(await archive.key(1)).read_bytes()
    await archive.delete(1)
    await archive.work()
    archive.path(key).write_bytes(body)  # the crash came before the purge
    async with archive.without_database() as new:
        assert (await new.rebuild()).findings == []
        assert (await new.state()).assets[1].status is AssetStatus.DELETED
        assert len(await new.catalog.read(lambda tx: tx.work.to_purge(9))) == 1
        await new.arrive(task_object(results=[link_to(TASK, 0), link_to(TASK, 1)]))
        await new.work()
        assert (await new.state()).assets[1].status is AssetStatus.DELETED
    assert not archive.path(key).exists()


async def test_an_unfinished_task_goes_on_and_is_archived(archive: Archive) -> None:
    await archive.complete(images=2)
    await archive.work({link_to(TASK, 1): REFUSED})
    before = await archive.state()
    assert [asset.status for asset in before.assets] == [AssetStatus.ARCHIVED, AssetStatus.PENDING]
    async with archive.without_database() as new:
        assert (await new.rebuild()).rebuilt.pending == 1
        waiting = (await new.state()).assets[1]
        assert (waiting.deadline, waiting.links) == (before.assets[1].deadline, before.assets[1].links)
        await new.work()
        state = await new.state()
        assert [asset.status for asset in state.assets] == [AssetStatus.ARCHIVED] * 2
        assert state.task.settled_at is not None
        assert new.path(await new.key(1)).read_bytes() == picture(link_to(TASK, 1))
        assert (await new.verify()).findings == []


async def test_an_image_that_was_stored_before_its_sidecar_told_of_it_is_found(archive: Archive) -> None:
    """The database was lost between the last image and the sidecar; by now the link is long over."""
    await archive.complete(images=2, age=timedelta(days=9))
    await archive.work({link_to(TASK, n): REFUSED for n in (0, 1)})
    sidecar = archive.path(await archive.sidecar())
    early = sidecar.read_bytes()
    async with archive.without_database() as other:
        await other.complete(images=2, age=timedelta(days=9))
        await other.work()
        keys = [await other.key(0), await other.key(1)]
    sidecar.write_bytes(early)
    async with archive.without_database() as new:
        report = await new.rebuild()
        assert (report.findings, report.rebuilt.archived) == ([], 2)
        state = await new.state()
        assert [asset.stored.object_key for asset in state.assets if asset.stored] == keys
        assert state.task.settled_at is not None
        await new.work()
        assert (await new.verify()).findings == []


async def test_the_same_callback_again_is_still_a_duplicate(archive: Archive) -> None:
    await archive.keep()
    async with archive.without_database() as new:
        await new.rebuild()
        await new.complete()
        _, entries, [callback] = await everything(new, TASK)
    assert (callback["deliveries"], len(entries)) == (2, 1)


async def test_evidence_is_not_lost_when_the_sidecar_is_written_again(archive: Archive) -> None:
    await archive.keep()
    before = archive.path(await archive.sidecar()).read_text().partition('"callbacks"')[2].partition('"provider"')[0]
    async with archive.without_database() as new:
        await new.rebuild()
        await new.delete(0)
        await new.work()
    after = archive.path(await archive.sidecar()).read_text().partition('"callbacks"')[2].partition('"provider"')[0]
    assert after == before
    assert "body_sha256" in after


async def asked(archive: Archive, *, at: timedelta = timedelta(), rules: Rules = ASKING) -> timedelta | None:
    """How long after a rebuild that happens `at` later the provider is asked about the task."""
    now = datetime.now(UTC) + at
    async with archive.without_database(rules=rules) as new:
        await new.rebuild(now=now)
        check_at = (await new.state()).task.check.at
    return check_at - now if check_at is not None else None


async def test_an_unconfirmed_end_is_asked_about_while_the_provider_surely_knows_of_it(archive: Archive) -> None:
    await archive.keep()
    assert await asked(archive) == timedelta()
    assert await asked(archive, at=timedelta(days=30)) is None, "an answer of 'no such task' would refute it"
    assert await asked(archive, rules=replace(ASKING, mode=ConfirmMode.OFF)) is None, "it is believed"
    assert await asked(archive, rules=replace(ASKING, can_ask=False)) is None


async def test_a_round_of_asking_that_was_going_on_goes_on(archive: Archive) -> None:
    await archive.keep()
    state = await archive.state()
    planned = replace(state.task, check=Check(at=datetime.now(UTC)), version=state.task.version + 1)
    await archive.catalog.write(lambda tx: tx.tasks.save([(state, replace(state, task=planned))]))
    await archive.work()
    assert await asked(archive, at=timedelta(days=30)) == timedelta()


@pytest.mark.parametrize("status", ["confirmed", "dead"])
async def test_what_is_settled_for_good_is_not_asked_about(archive: Archive, status: str) -> None:
    await archive.keep()
    state = await archive.state()
    known = replace(state.task, confirmed=status == "confirmed", version=state.task.version + 1)
    if status == "dead":
        known = replace(known, status=TaskStatus.DEAD)
    await archive.catalog.write(lambda tx: tx.tasks.save([(state, replace(state, task=known))]))
    await archive.work()
    assert await asked(archive) is None


async def test_an_open_task_is_asked_about_or_without_a_key_waits_for_its_time(archive: Archive) -> None:
    await archive.keep()
    state = await archive.state()
    reopened = replace(state.task, status=TaskStatus.PROCESSING, settled_at=None, version=state.task.version + 1)
    await archive.catalog.write(lambda tx: tx.tasks.save([(state, replace(state, task=reopened))]))
    await archive.work()
    assert await asked(archive) == timedelta()
    async with archive.without_database() as new:
        now = datetime.now(UTC)
        assert (await new.rebuild(now=now)).rebuilt.open_tasks == 1
        check_at = (await new.state()).task.check.at
    assert check_at is not None
    assert check_at - now > FIRST_CHECK


async def test_a_sidecar_that_calls_an_unfinished_task_settled_is_put_right(archive: Archive) -> None:
    await archive.complete()
    await archive.work({link_to(TASK, 0): REFUSED})
    sidecar = archive.path(await archive.sidecar())
    document = json.loads(sidecar.read_bytes())
    document["task"]["settled_at"] = document["task"]["received_at"]
    sidecar.write_text(json.dumps(document))
    async with archive.without_database() as new:
        await new.rebuild()
        task = (await new.state()).task
        assert task.settled_at is None
        assert task.version > task.sidecar_version


async def test_a_catalog_that_has_tasks_is_refused_and_stays_as_it_was(archive: Archive) -> None:
    await archive.keep()
    before = await archive.state()
    with pytest.raises(Conflict, match="move it away"):
        await archive.rebuild()
    assert await archive.state() == before


class Brittle(MemoryStore):
    """A store that fails at the nth sidecar that is read."""

    def __init__(self, staging: Path, objects: dict[str, bytes]) -> None:
        super().__init__(staging)
        self.objects = objects
        self.fails_after: int | None = None

    async def read(self, key: str, start: int = 0, length: int | None = None) -> Blocks | None:
        if self.fails_after is not None:
            self.fails_after -= 1
        return await super().read(key, start, length)

    async def list(self, prefix: str = "") -> Any:
        if self._failed():
            raise StorageUnavailable("the archive cannot be used: it is gone")
        async for entry in super().list(prefix):
            if self._failed():
                raise StorageUnavailable("the archive cannot be used: it is gone")
            yield entry

    def _failed(self) -> bool:
        return self.fails_after is not None and self.fails_after <= 0


@pytest.mark.long
async def test_a_rebuild_that_was_interrupted_goes_on_and_comes_to_the_same(tmp_path: Path, catalog: Catalog) -> None:
    store = Brittle(tmp_path, {})
    archive = Archive(tmp_path, catalog, store)
    task_ids = [f"task-{number:03}" for number in range(2 * rebuild.TOGETHER + 10)]
    await archive.keep(*task_ids)
    async with archive.without_database() as new:
        store.fails_after = rebuild.TOGETHER + 1
        with pytest.raises(StorageUnavailable, match="gone"):
            await new.rebuild()
        store.fails_after = None
        report = await new.rebuild()
        assert 0 < report.rebuilt.there_already < len(task_ids)
        assert report.rebuilt.tasks + report.rebuilt.there_already == len(task_ids)
        for task_id in task_ids:
            assert await everything(new, task_id) == await everything(archive, task_id)
        again = await new.rebuild()
        assert (again.rebuilt.tasks, again.rebuilt.there_already) == (0, len(task_ids))
        assert await everything(new, task_ids[0]) == await everything(archive, task_ids[0])


async def test_a_rebuilt_catalog_can_take_in_what_was_missing_and_changes_nothing_else(archive: Archive) -> None:
    """A sidecar was put back from a backup after the first rebuild, and a server has worked in between."""
    await archive.keep("task-a", "task-b")
    sidecar = archive.path(await archive.sidecar("task-b"))
    text = sidecar.read_text()
    sidecar.write_text("damaged")
    async with archive.without_database() as new:
        assert len((await new.rebuild()).findings) == 1
        await new.delete(0, "task-a")
        await new.work()
        sidecar.write_text(text)
        report = await new.rebuild()
        assert (report.findings, report.rebuilt.tasks) == ([], 1)
        assert (await new.state("task-a")).assets[0].status is AssetStatus.DELETED
        assert (await new.state("task-b")).assets[0].status is AssetStatus.ARCHIVED


async def test_two_that_tell_of_one_task_make_one(archive: Archive) -> None:
    """A folder was copied under another day, and its sidecar changed to fit."""
    await archive.keep()
    sidecar = await archive.sidecar()
    day = (await archive.state()).task.archive_date
    assert day is not None
    copy = sidecar.replace(f"{day:%Y/%m/%d}", "2020/01/01")
    archive.path(copy).parent.mkdir(parents=True)
    text = archive.path(sidecar).read_text().replace(f"{day}", "2020-01-01").replace(f"{day:%Y/%m/%d}", "2020/01/01")
    archive.path(copy).write_text(text)
    async with archive.without_database() as new:
        report = await new.rebuild()
        assert (report.rebuilt.tasks, report.kinds.count(Kind.LEFTOVER)) == (1, 1)
        assert sum((await new.catalog.read(lambda tx: tx.figures.count())).tasks.values()) == 1
        assert (await new.rebuild()).kinds == [Kind.LEFTOVER]


async def test_a_copy_of_a_folder_is_told_and_does_no_harm(archive: Archive) -> None:
    await archive.keep()
    home = archive.path(await archive.home())
    shutil.copytree(home, archive.folder / "archive" / "evolink" / "2020" / "01" / "01" / TASK)
    async with archive.without_database() as new:
        report = await new.rebuild()
        assert (report.rebuilt.tasks, report.kinds) == (1, [Kind.SIDECAR_UNREADABLE])
        assert await new.home() == await archive.home()
