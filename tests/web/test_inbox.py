"""`/v1/callbacks`: what was received, and one of it raw."""

import base64
import json

import pytest

from tests.support.app import House, assert_problem
from tests.support.deliveries import TASK, task_object

FIELDS = """
    id source origin task_id status verdict detail deliveries received_at last_received_at token_id ref tags bytes
    body_sha256
"""


async def test_a_callback_is_listed_without_its_body(house: House) -> None:
    await house.call_back(task_object("processing", secret="in the body"), path=await house.mint(ref="r"))
    answer = await house.read.get("/v1/callbacks")
    [listed] = answer.json()["items"]
    assert set(listed) == {*FIELDS.split()}
    assert (listed["id"], listed["origin"], listed["status"], listed["ref"]) == ("1", "callback", "processing", "r")
    assert "in the body" not in answer.text


async def test_one_callback_is_shown_raw(house: House) -> None:
    body = json.dumps(task_object("failed"), indent=3).encode()
    await house.call_back(body)
    one = await house.json("/v1/callbacks/1")
    assert (one["body"], one["body_base64"]) == (body.decode(), None)
    assert one["headers"]["content-length"] == str(len(body))


async def test_a_body_that_is_no_text_is_shown_in_base64(house: House) -> None:
    await house.call_back(b"\xff\xfe\x00bad")
    one = await house.json("/v1/callbacks/1")
    assert (one["body"], one["verdict"], one["task_id"]) == (None, "unreadable", None)
    assert base64.b64decode(one["body_base64"]) == b"\xff\xfe\x00bad"


async def test_the_token_itself_is_never_shown(house: House) -> None:
    path = await house.mint()
    await house.call_back(task_object(), path=path)
    shown = (await house.admin.get("/v1/callbacks/1")).text + (await house.admin.get("/v1/callbacks")).text
    assert path.rpartition("/")[2] not in shown


async def test_filters_narrow_the_list(house: House) -> None:
    path = await house.mint()
    token_id = (await house.json("/v1/callback-urls"))["items"][0]["id"]
    await house.call_back(task_object("processing"), path=path)
    await house.call_back(b"bad")
    await house.call_back(task_object("failed", TASK))
    for query, expected in (
        ({"verdict": "accepted"}, ["1"]),
        ({"verdict": "unreadable"}, ["2"]),
        ({"verdict": "foreign"}, ["3"]),
        ({"task_id": TASK}, ["3", "1"]),
        ({"token_id": token_id}, ["1"]),
        ({"origin": "callback"}, ["3", "2", "1"]),
        ({"origin": "poll"}, []),
    ):
        found = await house.json("/v1/callbacks", **query)
        assert [one["id"] for one in found["items"]] == expected, query


@pytest.mark.parametrize("callback_id", ["0", "2", "x", "-1", "1.0", "9" * 18, "9" * 30, "\u0661", "%00"])
@pytest.mark.asyncio(loop_scope="module")
async def test_an_unknown_callback_is_404(archived: House, callback_id: str) -> None:
    assert_problem(await archived.admin.get(f"/v1/callbacks/{callback_id}"), 404, "callback_not_found")
