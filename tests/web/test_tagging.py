"""`PATCH /v1/tasks/{id}/tags`: what is taken, what is answered, and that the archive tells it too."""

import json
from typing import Any

import httpx
import pytest

from tests.support.app import House, assert_problem
from tests.support.deliveries import TASK, task_object

TAGS = f"/v1/tasks/{TASK}/tags"


async def tag(house: House, changes: object, **headers: str) -> httpx.Response:
    return await house.write.patch(TAGS, content=json.dumps(changes), headers=headers)


async def sidecar(house: House) -> Any:
    """What the archive says of the task."""
    folder = (await house.json(f"/v1/assets/{TASK}.0"))["object_key"].rpartition("/")[0]
    return json.loads((house.parts.settings.data_dir / "archive" / folder / "task.json").read_bytes())["task"]


async def test_the_task_is_answered_with_its_tags_and_the_archive_tells_them_too(house: House) -> None:
    path = await house.mint(tags={"team": "shop", "stage": "draft"})
    await house.call_back(task_object("processing"), path=path)
    answer = await tag(house, {"stage": None, "season": "fall"})
    assert (answer.status_code, answer.json()["tags"]) == (200, {"team": "shop", "season": "fall"})
    assert answer.json() == await house.json(f"/v1/tasks/{TASK}")
    await house.call_back(task_object(), path=path)
    await house.archive()
    assert (await sidecar(house))["tags"] == {"team": "shop", "season": "fall"}
    await tag(house, {"team": None})
    await house.archive()
    assert (await sidecar(house))["tags"] == {"season": "fall"}
    assert [one["id"] for one in (await house.json("/v1/assets", tag="season:fall"))["items"]] == [f"{TASK}.0"]
    assert (await house.json("/v1/assets", tag="team"))["items"] == []


async def test_a_merge_patch_may_be_sent_as_one(house: House) -> None:
    await house.complete()
    merged = {"Content-Type": "application/merge-patch+json"}
    assert (await tag(house, {"team": "shop"}, **merged)).json()["tags"] == {"team": "shop"}
    assert_problem(await house.write.post("/v1/tasks", content=b"{}", headers=merged), 415, "unsupported_media_type")


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"": "v"}, "at least 1 character"),
        ({"k" * 201: "v"}, "at most 200 characters"),
        ({"k": "v" * 501}, "at most 500 characters"),
        ({"k": 7}, "k"),
        ({"k": ["v"]}, "k"),
        ({str(number): "" for number in range(65)}, "at most 64 items"),
        (["k"], "body"),
        (None, "body"),
    ],
)
async def test_what_is_no_change_of_tags_is_400(house: House, changes: object, named: str) -> None:
    await house.complete()
    answer = await tag(house, changes)
    assert_problem(answer, 400, "invalid_request")
    assert named in answer.json()["detail"]
    assert (await house.json(f"/v1/tasks/{TASK}"))["tags"] == {}


async def test_too_many_tags_and_a_task_that_is_not_there_are_refused(house: House) -> None:
    assert_problem(await tag(house, {"k": "v"}), 404, "task_not_found")
    await house.complete()
    assert_problem(await tag(house, {str(number): "" for number in range(33)}), 409, "too_many_tags")
