"""Tasks of others in the same account, for those who read all of it."""

from typing import Any

import pytest

from tests.simulator.receiver import receiver
from tests.simulator.stand_in import SMALL, StandIn, stand_in


async def strangers(running: StandIn, *tasks: dict[str, Any]) -> list[str]:
    body = {"tasks": [{"size": SMALL, **task} for task in tasks]}
    answer = await running.client.post("/simulator/tasks", json=body)
    assert answer.status_code == 200, answer.text
    ids: list[str] = answer.json()["ids"]
    return ids


async def listed(running: StandIn) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await running.client.get("/v1/tasks")).json()["data"]
    return found


async def test_those_of_long_ago_have_ended_when_the_answer_comes() -> None:
    async with stand_in(failure_rate=1.0) as running:
        wanted = [{"status": status, "created_seconds_ago": 60} for status in ("completed", "failed", "cancelled")]
        ids = await strangers(running, *wanted)
        shown = [(await running.client.get(f"/v1/tasks/{task_id}")).json() for task_id in ids]
    assert [task["status"] for task in shown] == ["completed", "failed", "cancelled"]


async def test_their_links_work_and_count_from_their_submission() -> None:
    async with stand_in(link_lifetime=3600) as running:
        ids = await strangers(
            running, {"n": 2, "created_seconds_ago": 60, "callback": False}, {"created_seconds_ago": 3601}
        )
        young, old = [(await running.client.get(f"/v1/tasks/{task_id}")).json()["results"] for task_id in ids]
        assert [(await running.client.get(link)).status_code for link in (*young, *old)] == [200, 200, 404]


async def test_they_are_listed_by_their_age_and_not_by_when_they_were_put_in() -> None:
    async with stand_in() as running:
        own = (await running.made())["id"]
        young, old = await strangers(running, {"created_seconds_ago": 60}, {"created_seconds_ago": 3600.5})
        (middle,) = await strangers(running, {"created_seconds_ago": 600, "prompt": "a fox"})
        found = await listed(running)
    assert [task["id"] for task in found] == [own, young, middle, old]
    assert 3600 - found[0]["created"] + found[3]["created"] == pytest.approx(0, abs=60)


async def test_one_of_just_now_takes_its_time() -> None:
    async with stand_in(generation_seconds=(60.0, 60.0)) as running:
        await strangers(running, {}, {"created_seconds_ago": 30})
        assert [task["status"] for task in await listed(running)] == ["pending", "processing"]


async def test_one_that_names_a_callback_url_is_called_back() -> None:
    async with receiver() as receiving, stand_in() as running:
        (task_id,) = await strangers(running, {"callback_url": receiving.url, "created_seconds_ago": 60})
        assert (await running.announced(task_id))["callbacks"]["statuses"] == ["completed"]


async def test_they_ended_as_long_ago_as_they_say() -> None:
    async with stand_in(behind_seconds=600.0) as running:
        await strangers(running, {"created_seconds_ago": 60}, {"created_seconds_ago": 3600})
        assert [task["status"] for task in await listed(running)] == ["processing", "completed"]


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        {},
        [7],
        [{"status": "processing"}],
        [{"status": []}],
        [{"created_seconds_ago": -1}],
        [{"created_seconds_ago": "60"}],
        [{"created_seconds_ago": 1e12}],
        [{}, {"n": 11}],
    ],
)
async def test_wrong_ones_are_refused_and_none_is_put_in(wrong: Any) -> None:
    async with stand_in() as running:
        answer = await running.client.post("/simulator/tasks", json={"tasks": wrong})
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_parameters")
        assert await listed(running) == []


async def test_a_book_that_is_full_takes_no_more_and_ends_those_that_it_took() -> None:
    async with stand_in(max_tasks=1) as running:
        answer = await running.client.post("/simulator/tasks", json={"tasks": [{}, {}]})
        (task,) = (await running.ledger())["tasks"]
        await running.announced(task["id"])
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "resource_exhausted")
