"""`POST /v1/callbacks/replay`: what it takes, what it refuses, and what it answers."""

import asyncio
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from service.intake.batch import take_in
from tests.support.app import House, assert_problem, serving
from tests.support.deliveries import TASK, delivery, task_object
from tests.support.dump import Dump, dump

REPLAY = "/v1/callbacks/replay"
ELSEWHERE = "https://images.example.com/0.png"


async def misread(house: House, *task_ids: str, **members: Any) -> None:
    """Completed callbacks that a version of before could not read."""
    batch = [replace(delivery(task_object(task_id=one, **members)), event=None) for one in task_ids]
    await house.parts.catalog.write(partial(take_in, batch=batch, rules=house.parts.rules))


async def replayed(house: House, **body: Any) -> Any:
    answer = await house.admin.post(REPLAY, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_what_can_be_read_by_now_is_taken_in_and_told(house: House) -> None:
    await misread(house, TASK)
    await house.call_back(b"bad")
    assert await replayed(house, verdict="unreadable") == {
        "dry_run": False,
        "matched": 2,
        "readable": 1,
        "accepted": 1,
        "foreign": 0,
        "unreadable": 1,
        "without_body": 0,
        "changed": [TASK],
        "changed_total": 1,
    }
    task = await house.json(f"/v1/tasks/{TASK}")
    assert (task["status"], task["history"][0]["origin"], task["history"][0]["callback_id"]) == (
        "completed",
        "replay",
        "1",
    )


def kept(house: House) -> Dump:
    """All rows but those in which a running service notes the time."""
    rows = dump(house.parts.settings.database_path)
    return {table: rows[table] for table in rows.keys() - {"marks", "duties"}}


async def test_a_dry_run_tells_the_same_and_changes_no_row(house: House) -> None:
    await misread(house, TASK, "task-other")
    before = kept(house)
    would = await replayed(house, all=True, dry_run=True)
    assert kept(house) == before
    assert would["changed_total"] == 2
    assert {**would, "dry_run": False} == await replayed(house, all=True)


async def test_a_mended_setting_has_its_effect_and_the_archiver_its_work(tmp_path: Path) -> None:
    async with serving(tmp_path) as house:
        await house.complete(results=[ELSEWHERE])
    async with serving(tmp_path, download={"allowed_hosts": ["images.example.com"]}) as house:
        assert (await replayed(house, task_id=TASK))["changed"] == [TASK]
        await house.archive()
        [asset] = (await house.json("/v1/assets"))["items"]
        assert asset["status"] == "archived"


async def test_what_is_given_up_by_it_is_counted(house: House) -> None:
    await misread(house, TASK, results=[ELSEWHERE])
    await replayed(house, all=True, dry_run=True)
    assert await house.metric('darkroom_dead_total{reason="refused_host"}') == 0
    await replayed(house, all=True)
    assert await house.metric('darkroom_dead_total{reason="refused_host"}') == 1


@pytest.mark.parametrize("key", ["read", "write"])
@pytest.mark.asyncio(loop_scope="module")
async def test_only_admins_may(empty: House, key: str) -> None:
    client = empty.read if key == "read" else empty.write
    assert_problem(await client.post(REPLAY, json={"all": True}), 403, "forbidden")
    assert_problem(await empty.anyone.post(REPLAY, json={"all": True}), 401, "unauthorized")


@pytest.mark.parametrize("body", [{}, {"dry_run": True}, {"all": False}, {"ids": []}, {"all": True, "ids": []}])
@pytest.mark.asyncio(loop_scope="module")
async def test_the_whole_inbox_has_to_be_asked_for_in_so_many_words(empty: House, body: dict[str, Any]) -> None:
    answer = await empty.admin.post(REPLAY, json=body)
    assert_problem(answer, 400, "empty_filter")
    assert '"all": true' in answer.json()["detail"]


@pytest.mark.parametrize(
    ("body", "code", "names"),
    [
        ({"all": True, "verdict": "foreign"}, "contradictory_filter", "all"),
        ({"verdict": "refused"}, "invalid_request", "verdict"),
        ({"verdit": "foreign"}, "invalid_request", "verdit"),
        ({"received_after": "yesterday"}, "invalid_request", "received_after"),
        ({"received_after": "2026-05-01T12:00:00"}, "invalid_request", "received_after"),
        ({"received_before": 1777636800}, "invalid_request", "received_before"),
        ({"ids": ["x"]}, "invalid_request", "ids"),
        ({"ids": ["-1"]}, "invalid_request", "ids"),
        ({"ids": [str(10**18)]}, "invalid_request", "ids"),
        ({"ids": [str(number) for number in range(1001)]}, "invalid_request", "ids"),
        ({"all": "true"}, "invalid_request", "all"),
        ({"all": True, "dry_run": "no"}, "invalid_request", "dry_run"),
        ({"task_id": "x" * 201}, "invalid_request", "task_id"),
    ],
)
@pytest.mark.asyncio(loop_scope="module")
async def test_what_is_not_clear_is_refused_by_name(empty: House, body: dict[str, Any], code: str, names: str) -> None:
    answer = await empty.admin.post(REPLAY, json=body)
    assert_problem(answer, 400, code)
    assert names in answer.json()["detail"]


async def test_filters_narrow_it(house: House) -> None:
    await misread(house, "task-a", "task-b")
    await house.call_back(b"bad")
    received = (await house.json("/v1/callbacks/3"))["received_at"]
    for body, matched in (
        ({"ids": ["1", "3", "77"]}, 2),
        ({"token_id": "tok-1"}, 2),
        ({"verdict": "accepted"}, 0),
        ({"received_after": "2026-05-01T12:00:00.001Z"}, 1),
        ({"received_before": received}, 2),
    ):
        assert (await replayed(house, dry_run=True, **body))["matched"] == matched, body


async def test_a_second_one_at_the_same_time_is_refused(house: House) -> None:
    await misread(house, *(f"task-{number:03}" for number in range(250)))
    answers = await asyncio.gather(*(house.admin.post(REPLAY, json={"all": True}) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409]
    [refused, _] = [answer for answer in answers if answer.status_code == 409]
    assert_problem(refused, 409, "replay_running")
    assert (await replayed(house, all=True))["changed_total"] == 0


async def test_it_is_not_taken_for_the_id_of_a_callback(house: House) -> None:
    assert_problem(await house.admin.get(REPLAY), 404, "callback_not_found")
