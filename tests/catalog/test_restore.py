"""Rows made anew: callbacks of which the body is gone, and numbers in the order in which things happened."""

from datetime import datetime, timedelta

from service.catalog.catalog import Catalog, Transaction
from service.catalog.restore import Remembered
from service.catalog.tasks import TaskState
from service.domain.history import Effect, HistoryEntry
from service.domain.task import Origin, Rank, Standing, Task
from tests.support.deliveries import NOW

LATE, EARLY = NOW + timedelta(hours=1), NOW


def callback(task_id: str, at: datetime = NOW) -> Remembered:
    return Remembered("evolink", task_id, "callback", task_id * 9, "accepted", at, token_id="tok-1", size=99)


async def put(catalog: Catalog, *tasks: Task) -> None:
    await catalog.write(lambda tx: tx.tasks.save([(None, TaskState(task, ())) for task in tasks]))


async def note(catalog: Catalog, task_id: str, callback_id: int) -> None:
    entry = HistoryEntry(
        NOW, Origin.CALLBACK, "completed", Standing.HINT, Effect.HINT, Rank.COMPLETED, callback_id=callback_id
    )
    await catalog.write(lambda tx: tx.tasks.note([(task_id, entry)]))


async def referred(catalog: Catalog, task_id: str) -> int | None:
    [entry] = await catalog.read(lambda tx: tx.tasks.history(task_id))
    return entry.callback_id


async def test_a_callback_is_remembered_once(catalog: Catalog) -> None:
    first = await catalog.write(lambda tx: tx.restore.callbacks([callback("task-a"), callback("task-b")]))
    again = await catalog.write(lambda tx: tx.restore.callbacks([callback("task-b"), callback("task-c")]))
    assert again[("task-b", "task-b" * 9)] == first[("task-b", "task-b" * 9)]
    listed = await catalog.read(lambda tx: tx.query.callbacks(filters={}, after=None, limit=9))
    assert [(row["task_id"], row["bytes"]) for row in listed.items] == [("task-c", 99), ("task-b", 99), ("task-a", 99)]
    assert all(row["cleared_at"] for row in listed.items), "so that nobody waits for bodies to be removed"


async def test_numbers_follow_time_and_what_refers_to_them_follows(catalog: Catalog) -> None:
    await put(catalog, Task("task-late", "evolink", LATE), Task("task-early", "evolink", EARLY))
    remembered = [callback("task-late", LATE), callback("task-early", EARLY)]
    ids = await catalog.write(lambda tx: tx.restore.callbacks(remembered))
    for task_id in ("task-late", "task-early"):
        await note(catalog, task_id, ids[(task_id, task_id * 9)])
    assert (await referred(catalog, "task-late"), await referred(catalog, "task-early")) == (1, 2)
    await catalog.write(_order)
    assert (await referred(catalog, "task-late"), await referred(catalog, "task-early")) == (2, 1)
    tasks = await catalog.read(lambda tx: tx.query.tasks(after=None, limit=9))
    assert [task.id for task in tasks.items] == ["task-late", "task-early"]
    await catalog.write(_order)
    assert await referred(catalog, "task-late") == 2, "ordering again changes nothing"


async def test_what_comes_later_has_higher_numbers_still(catalog: Catalog) -> None:
    await put(catalog, Task("task-b", "evolink", LATE), Task("task-a", "evolink", EARLY))
    await catalog.write(_order)
    await put(catalog, Task("task-c", "evolink", EARLY))
    tasks = await catalog.read(lambda tx: tx.query.tasks(after=None, limit=9))
    assert [task.id for task in tasks.items] == ["task-c", "task-b", "task-a"]


async def test_an_entry_whose_callback_is_gone_does_not_come_to_refer_to_another(catalog: Catalog) -> None:
    await note(catalog, "task-a", 1)
    await catalog.write(_order)
    await catalog.write(lambda tx: tx.restore.callbacks([callback("task-b")]))
    assert await referred(catalog, "task-a") is None


async def test_tasks_that_are_there_are_known_with_their_folders(catalog: Catalog) -> None:
    with_folder = Task("task-a", "evolink", NOW, archive_date=NOW.date())
    await put(catalog, with_folder, Task("task-b", "evolink", NOW))
    assert await catalog.read(lambda tx: tx.restore.known(["task-a", "task-b", "task-c"])) == {
        "task-a": "evolink/2026/05/01/task-a",
        "task-b": None,
    }


def _order(tx: Transaction) -> None:
    tx.restore.order()
