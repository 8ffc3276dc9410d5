"""What the provider refuted: kept, marked, and hidden from lists unless asked for, without gaps between pages."""

from functools import partial
from typing import Any

import pytest

from service.catalog.catalog import Transaction
from service.catalog.tasks import TaskState
from service.domain.apply_event import Arrival, apply_event
from service.domain.task import EventStatus, Origin, Standing, TaskEvent
from tests.support.app import House, assert_problem

LIE, TRUE = "https://files.evolink.ai/lie.png", "https://files.evolink.ai/true.png"


def answer(tx: Transaction, *, task_id: str, house: House, links: tuple[str, ...]) -> None:
    """The provider's own word on a task that was believed: completed with these links, or failed without any."""
    before = tx.tasks.get(task_id)
    assert before is not None
    status = EventStatus.COMPLETED if links else EventStatus.FAILED
    event = TaskEvent(task_id, status, status.value, links=links)
    arrival = Arrival("evolink", tx.now, Origin.POLL, Standing.AUTHORITATIVE)
    applied = apply_event(before.task, before.assets, event, arrival, rules=house.parts.rules)
    assert applied is not None
    tx.tasks.save([(before, TaskState(applied.task, applied.assets))])
    tx.tasks.note([(task_id, applied.entry)])


async def believed(house: House, task_id: str, *, told: tuple[str, ...] | None = None) -> None:
    """A completed callback was believed and its image archived; `told` is what the provider says later, if anything."""
    await house.complete(task_id, results=[LIE])
    await house.archive()
    if told is not None:
        await house.parts.catalog.write(partial(answer, task_id=task_id, house=house, links=told))


async def listed(house: House, path: str, **query: str) -> list[str]:
    """The ids of all pages, one item to a page; every page but the last is full."""
    ids: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = await house.json(path, limit="1", **query, **cursor)
        ids += [item["id"] for item in page["items"]]
        if page["next"] is None:
            return ids
        assert len(page["items"]) == 1
        cursor = {"cursor": page["next"]}


async def test_refuted_tasks_are_hidden_unless_asked_for_with_whole_pages(house: House) -> None:
    for task_id, told in (("task-a", None), ("task-b", ()), ("task-c", None), ("task-d", ()), ("task-e", ())):
        await believed(house, task_id, told=told)
    assert await listed(house, "/v1/tasks") == ["task-c", "task-a"]
    assert await listed(house, "/v1/tasks", conflict="false") == ["task-c", "task-a"]
    everything = ["task-e", "task-d", "task-c", "task-b", "task-a"]
    assert await listed(house, "/v1/tasks", conflict="true") == everything
    assert await listed(house, "/v1/tasks", status="failed") == []
    assert await listed(house, "/v1/tasks", status="failed", conflict="true") == ["task-e", "task-d", "task-b"]


async def test_refuted_images_are_hidden_unless_asked_for_with_whole_pages(house: House) -> None:
    for task_id, told in (("task-a", ()), ("task-b", None), ("task-c", (TRUE,)), ("task-d", ())):
        await believed(house, task_id, told=told)
    assert await listed(house, "/v1/assets") == ["task-c.1", "task-b.0"]
    everything = ["task-d.0", "task-c.1", "task-c.0", "task-b.0", "task-a.0"]
    assert await listed(house, "/v1/assets", conflict="true") == everything
    assert await listed(house, "/v1/assets", task_id="task-a") == []
    assert await listed(house, "/v1/assets", task_id="task-a", conflict="true") == ["task-a.0"]
    assert await listed(house, "/v1/assets", status="archived", format="png") == ["task-c.1", "task-b.0"]


async def test_what_is_hidden_is_not_gone_it_can_be_looked_at_by_name(house: House) -> None:
    await believed(house, "task-a", told=())
    task = await house.json("/v1/tasks/task-a")
    assert (task["status"], task["conflict"], task["confirmed"]) == ("failed", True, True)
    [asset] = task["assets"]
    assert (asset["status"], asset["reason"]) == ("archived", "refuted")
    assert [(one["status"], one["conflict"]) for one in task["history"]] == [("completed", True), ("failed", False)]
    assert (await house.read.get("/v1/assets/task-a.0/content")).status_code == 200


async def test_a_task_with_other_images_than_were_believed_is_listed_without_the_refuted_ones(house: House) -> None:
    await believed(house, "task-a", told=(TRUE,))
    [hiding] = (await house.json("/v1/tasks"))["items"]
    assert [asset["id"] for asset in hiding["assets"]] == ["task-a.1"]
    [showing] = (await house.json("/v1/tasks", conflict="true"))["items"]
    assert [asset["id"] for asset in showing["assets"]] == ["task-a.0", "task-a.1"]


@pytest.mark.parametrize("path", ["/v1/tasks", "/v1/assets"])
@pytest.mark.parametrize("wrong", ["True", "1", "", "yes", "only"])
async def test_only_true_and_false_are_taken(house: House, path: str, wrong: str) -> None:
    assert_problem(await house.read.get(path, params={"conflict": wrong}), 400, "invalid_parameter")


@pytest.mark.parametrize("path", ["/v1/callbacks", "/v1/callback-urls"])
async def test_other_lists_hide_nothing_and_take_no_such_parameter(house: House, path: str) -> None:
    await believed(house, "task-a", told=())
    assert len((await house.json(path))["items"]) == 1
    assert_problem(await house.read.get(path, params={"conflict": "true"}), 400, "unknown_parameter")


async def test_figures_count_what_is_hidden(house: House) -> None:
    await believed(house, "task-a", told=())
    stats: dict[str, Any] = await house.json("/v1/stats")
    assert (stats["conflicts"], stats["tasks"]["failed"], stats["assets"]["archived"]) == (1, 1, 1)
