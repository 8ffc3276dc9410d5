"""`/v1/tasks`: told, listed, looked at."""

import json

import pytest

from tests.support.app import House, assert_problem
from tests.support.deliveries import LINK, TASK, task_object

FIELDS = """
    id source status reason model confirmed conflict ref tags prompt parameters usage cost error
    created_at received_at settled_at deadline next_check_at hold assets
"""


async def test_a_told_task_is_201_and_told_again_200_filling_gaps_only(house: House) -> None:
    told = {"id": TASK, "prompt": "a cat", "parameters": {"size": "1:1", "n": 2}, "tags": {"k": "v"}}
    first = await house.write.post("/v1/tasks", json=told)
    assert (first.status_code, first.json()["status"]) == (201, "pending")
    again = await house.write.post("/v1/tasks", json={"id": TASK, "prompt": "a dog", "ref": "r", "tags": {"k": "w"}})
    assert again.status_code == 200
    task = await house.json(f"/v1/tasks/{TASK}")
    assert (task["prompt"], task["ref"], task["parameters"], task["tags"]) == (
        "a cat",
        "r",
        {"size": "1:1", "n": 2},
        {"k": "v"},
    )
    same = await house.write.post("/v1/tasks", json=told)
    assert same.status_code == 200
    assert len((await house.json(f"/v1/tasks/{TASK}"))["history"]) == 2


@pytest.mark.parametrize(
    ("body", "code", "names"),
    [
        (b"", "invalid_request", "id"),
        (b'{"id":7}', "invalid_request", "id"),
        (b'{"id":"task-1","promt":"x"}', "invalid_request", "promt"),
        (b'{"id":"task-1","parameters":[]}', "invalid_request", "parameters"),
        (b'{"id":"task-1","prompt":"' + b"x" * 100_001 + b'"}', "invalid_request", "prompt"),
        (b'{"id":"' + b"x" * 129 + b'"}', "invalid_request", "id"),
        (b'{"id":"abc"}', "invalid_task_id", "task id"),
        (b'{"id":"task/../../etc"}', "invalid_task_id", "task id"),
        (b'{"id":"task-1\\n"}', "invalid_task_id", "task id"),
        (b'{"id":"task-\\u0000"}', "invalid_task_id", "task id"),
        (b'{"id":"t\xc3\xa9sk-1"}', "invalid_task_id", "task id"),
        (b'{"id":"task-1","parameters":{"x":' + b"9" * 5000 + b"}}", "invalid_request", "body"),
        (b'{"id":"task-1","parameters":' + b'{"a":' * 3000 + b"1" + b"}" * 3001, "invalid_request", "body"),
    ],
)
@pytest.mark.asyncio(loop_scope="module")
async def test_a_task_that_cannot_be_is_400_and_leaves_nothing(
    empty: House, body: bytes, code: str, names: str
) -> None:
    answer = await empty.write.post("/v1/tasks", content=body)
    assert_problem(answer, 400, code)
    assert names in answer.json()["detail"]
    assert (await empty.json("/v1/tasks"))["items"] == []


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity", b"1e999"])
async def test_a_number_that_json_cannot_write_does_not_break_the_list_for_ever(house: House, number: bytes) -> None:
    answer = await house.write.post("/v1/tasks", content=b'{"id":"task-1","parameters":{"x":' + number + b"}}")
    assert answer.status_code in (201, 400)
    await house.json("/v1/tasks")


async def test_a_nul_in_told_text_is_refused_or_replaced(house: House) -> None:
    await house.write.post("/v1/tasks", content=b'{"id":"task-1","prompt":"a\\u0000b"}')
    assert "\x00" not in ((await house.json("/v1/tasks"))["items"] or [{"prompt": ""}])[0]["prompt"]


async def test_a_task_is_listed_with_its_assets_and_looked_at_with_its_history(house: House) -> None:
    await house.complete(created=1_777_636_800, usage={"credits_used": 1.5})
    [listed] = (await house.json("/v1/tasks"))["items"]
    assert set(listed) == {*FIELDS.split()}
    one = await house.json(f"/v1/tasks/{TASK}")
    assert set(one) == {*FIELDS.split(), "history"}
    assert (one["status"], one["cost"], one["confirmed"], one["settled_at"]) == (
        "completed",
        {"usd": 0.022058824, "credits": 1.5, "basis": "reported_credits", "estimate": None},
        False,
        None,
    )
    assert one["deadline"].endswith("Z")
    [asset] = one["assets"]
    assert (asset["id"], asset["status"], asset["url_host"]) == (f"{TASK}.0", "pending", "files.evolink.ai")
    assert LINK not in json.dumps(one)
    [entry] = one["history"]
    assert (entry["origin"], entry["status"], entry["standing"], entry["effect"]) == (
        "callback",
        "completed",
        "authoritative",
        "decided",
    )
    assert entry["callback_id"] == "1"


async def test_a_settled_task_says_when(house: House) -> None:
    await house.complete()
    await house.archive()
    assert (await house.json(f"/v1/tasks/{TASK}"))["settled_at"].endswith("Z")


async def test_the_loser_of_two_ends_is_marked_in_the_history_in_either_order(house: House) -> None:
    for order in (("completed", "failed"), ("failed", "completed")):
        task_id = f"task-{order[0]}"
        path = await house.mint()
        for status in order:
            await house.call_back(task_object(status, task_id), path=path)
        task = await house.json(f"/v1/tasks/{task_id}")
        assert task["status"] == "completed"
        assert {entry["status"]: entry["conflict"] for entry in task["history"]} == {"completed": False, "failed": True}


async def test_filters_narrow_the_list(house: House) -> None:
    await house.complete("task-a", model="gpt-image-2")
    await house.call_back(task_object("failed", "task-b", model="gpt-image-2-beta"), path=await house.mint(ref="r"))
    for query, expected in (
        ({"status": "failed"}, ["task-b"]),
        ({"model": "gpt-image-2"}, ["task-a"]),
        ({"ref": "r"}, ["task-b"]),
        ({"source": "evolink"}, ["task-b", "task-a"]),
        ({"source": "other"}, []),
        ({"status": "failed", "model": "gpt-image-2"}, []),
        ({"conflict": "true"}, ["task-b", "task-a"]),
        ({"conflict": "false"}, ["task-b", "task-a"]),
    ):
        found = await house.json("/v1/tasks", **query)
        assert [task["id"] for task in found["items"]] == expected, query


@pytest.mark.parametrize("task_id", ["task-none", "x", "task-none.0", "%20", "TASK-NONE"])
@pytest.mark.asyncio(loop_scope="module")
async def test_an_unknown_task_is_404(empty: House, task_id: str) -> None:
    assert_problem(await empty.read.get(f"/v1/tasks/{task_id}"), 404, "task_not_found")


async def test_no_told_text_holds_a_nul(house: House) -> None:
    nul = "a\x00b"
    told = {"id": TASK, "ref": nul, "tags": {nul: nul}, "parameters": {nul: [nul, {nul: nul}]}}
    answer = await house.write.post("/v1/tasks", json=told)
    assert answer.status_code in (201, 400)
    assert "\\u0000" not in (await house.admin.get("/v1/tasks")).text
    minted = await house.write.post("/v1/callback-urls", json={"ref": nul, "tags": {nul: nul}})
    assert minted.status_code in (201, 400)
    assert "\\u0000" not in (await house.admin.get("/v1/callback-urls")).text
