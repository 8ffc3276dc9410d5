"""`/v1/audit`: every change through the API leaves one row of who made it, and no row tells a secret."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from starlette.routing import Route

from service.app import create_app
from service.domain.api_key import setting_id
from service.domain.audit import Action
from tests.support.app import House, assert_problem, serving
from tests.support.deliveries import TASK
from tests.support.loopback_provider import LoopbackProvider, on_loopback
from tests.support.pages import is_page

PROMPT = "a lighthouse that nobody has to know of"
LABEL = "a team that nobody has to know of"
SUBMITTED = "task-unified-1757165031-abcdefgh"
TAKEN = {"id": SUBMITTED, "object": "image.generation.task", "status": "pending"}
SUBMISSION = {"model": "gpt-image-2", "prompt": PROMPT}

LEFT: Mapping[str, Action] = {
    "POST /v1/keys": Action.KEY_CREATED,
    "DELETE /v1/keys/{id}": Action.KEY_REVOKED,
    "POST /v1/callback-urls": Action.CALLBACK_URL_MINTED,
    "DELETE /v1/callback-urls/{id}": Action.CALLBACK_URL_REVOKED,
    "POST /v1/tasks": Action.TASK_TOLD,
    "POST /v1/tasks/{id}/retry": Action.TASK_RETRIED,
    "PATCH /v1/tasks/{id}/tags": Action.TASK_TAGGED,
    "PUT /v1/tasks/{id}/hold": Action.TASK_HELD,
    "DELETE /v1/tasks/{id}/hold": Action.TASK_RELEASED,
    "POST /v1/assets/{id}/links": Action.LINK_SIGNED,
    "DELETE /v1/assets/{id}/links/{link}": Action.LINK_REVOKED,
    "DELETE /v1/assets/{id}": Action.ASSET_DELETED,
    "POST /v1/callbacks/replay": Action.CALLBACKS_REPLAYED,
    "POST /v1/events/replay": Action.EVENTS_REPLAYED,
    "POST /evolink/v1/images/generations": Action.SUBMISSION_MADE,
}
"""What each route that changes something leaves. A new one gets its line here, and its turn below."""

BY_COMMAND = {Action.ORPHAN_REMOVED.value}
"""What no route does."""

UNGUARDED = "/callbacks/"
"""The provider's: the inbox is the trail of these."""


class Diary:
    """Changes through the API, and what the trail says of them."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.secrets: list[str] = []

    async def do(self, route: str, path: str, body: Mapping[str, Any] | None = None, *, rows: int = 1) -> Any:
        """A change by the admin key, which has to leave so many rows; the newest of them, with the answer."""
        before = len((await self.house.json("/v1/audit", limit="200"))["items"])
        method = route.partition(" ")[0]
        answer = await self.house.admin.request(method, path, json=body, headers={"X-Request-Id": "req-7"})
        assert answer.status_code < 300, answer.text
        items = (await self.house.json("/v1/audit", limit="200"))["items"]
        assert len(items) - before == rows, route
        if rows:
            entry = items[0]
            assert entry["action"] == LEFT[route]
            assert entry["actor"] == {"id": setting_id("admin"), "name": "admin"}
            assert (entry["request_id"], entry["address"]) == ("req-7", "127.0.0.1")
        return answer.json() if answer.content else None

    async def newest(self) -> Any:
        return (await self.house.json("/v1/audit", limit="1"))["items"][0]


@pytest.fixture
async def diary(tmp_path: Path) -> AsyncIterator[Diary]:
    with on_loopback(LoopbackProvider(submit=lambda _: (200, TAKEN))) as provider:
        evolink = {"api_key": "sk-evo-of-the-operator", "api_url": provider.url}
        async with serving(tmp_path, evolink=evolink, confirm={"mode": "off"}) as house:
            yield Diary(house)


def test_every_route_that_changes_something_is_among_these(empty: House) -> None:
    found = {
        f"{method} {route.path}"
        for route in create_app(empty.parts).routes
        if isinstance(route, Route) and not route.path.startswith(UNGUARDED) and not is_page(route)
        for method in (route.methods or set()) - {"GET", "HEAD"}
    }
    assert found == set(LEFT)


async def test_every_change_leaves_one_row_and_none_tells_a_secret_a_prompt_or_a_link(diary: Diary) -> None:
    do, house = diary.do, diary.house
    key = await do("POST /v1/keys", "/v1/keys", {"name": "shop", "scopes": ["write"]})
    assert (await diary.newest())["subject"] == key["id"]
    await do("DELETE /v1/keys/{id}", f"/v1/keys/{key['id']}")
    url = await do("POST /v1/callback-urls", "/v1/callback-urls", {"ref": "order-7"})
    await do("DELETE /v1/callback-urls/{id}", f"/v1/callback-urls/{url['id']}")
    await do("POST /v1/tasks", "/v1/tasks", {"id": "task-told", "prompt": PROMPT})
    await do("POST /v1/tasks/{id}/retry", "/v1/tasks/task-told/retry")
    await do("PATCH /v1/tasks/{id}/tags", "/v1/tasks/task-told/tags", {"team": LABEL})
    held = await do("PUT /v1/tasks/{id}/hold", "/v1/tasks/task-told/hold", {"reason": "claim 7"})
    assert held["hold"]["by"] == "admin"
    await do("DELETE /v1/tasks/{id}/hold", "/v1/tasks/task-told/hold")
    await do("POST /evolink/v1/images/generations", "/evolink/v1/images/generations", SUBMISSION)
    assert (await diary.newest())["subject"].startswith("sub_")
    await house.complete()
    await house.archive()
    asset = f"/v1/assets/{TASK}.0"
    link = await do("POST /v1/assets/{id}/links", f"{asset}/links", {})
    await do("DELETE /v1/assets/{id}/links/{link}", f"{asset}/links/{link['id']}")
    await do("DELETE /v1/assets/{id}", asset)
    assert (await diary.newest())["subject"] == f"{TASK}.0"
    await do("POST /v1/callbacks/replay", "/v1/callbacks/replay", {"task_id": TASK})
    assert (await diary.newest())["subject"] == TASK
    await do("POST /v1/events/replay", "/v1/events/replay", {"status": "dead"})
    whole = (await house.admin.get("/v1/audit", params={"limit": "200"})).text
    by_hand = {entry["action"] for entry in (await house.json("/v1/audit", limit="200"))["items"]}
    assert by_hand == {action.value for action in Action} - BY_COMMAND
    for secret in (key["key"], url["callback_url"], link["url"], PROMPT, "key-admin", "order-7", LABEL):
        assert secret not in whole
        assert secret.rpartition("/")[2] not in whole


async def test_what_changes_nothing_leaves_no_row(diary: Diary) -> None:
    do = diary.do
    key = await do("POST /v1/keys", "/v1/keys", {"name": "shop", "scopes": ["read"]})
    url = await do("POST /v1/callback-urls", "/v1/callback-urls", {})
    await do("POST /v1/tasks", "/v1/tasks", {"id": "task-told"})
    for rows in (1, 0):
        await do("DELETE /v1/keys/{id}", f"/v1/keys/{key['id']}", rows=rows)
        await do("DELETE /v1/callback-urls/{id}", f"/v1/callback-urls/{url['id']}", rows=rows)
    await do("POST /v1/tasks", "/v1/tasks", {"id": "task-told"}, rows=0)
    for rows in (1, 0):
        await do("PATCH /v1/tasks/{id}/tags", "/v1/tasks/task-told/tags", {"team": "shop", "stage": None}, rows=rows)
    for rows in (1, 0):
        await do("PUT /v1/tasks/{id}/hold", "/v1/tasks/task-told/hold", {"reason": "claim 7"}, rows=rows)
    for rows in (1, 0):
        await do("DELETE /v1/tasks/{id}/hold", "/v1/tasks/task-told/hold", rows=rows)
    await do("POST /v1/callbacks/replay", "/v1/callbacks/replay", {"all": True, "dry_run": True}, rows=0)
    await do("POST /v1/events/replay", "/v1/events/replay", {"status": "dead", "dry_run": True}, rows=0)
    headers = {"Idempotency-Key": "order-1234-image-1"}
    for _ in range(2):
        await diary.house.write.post("/evolink/v1/images/generations", json=SUBMISSION, headers=headers)
    assert len((await diary.house.json("/v1/audit", action="submission.made"))["items"]) == 1


async def test_what_is_refused_leaves_no_row(diary: Diary) -> None:
    admin = diary.house.admin
    assert (await admin.post("/v1/tasks", json={"id": "../x"})).status_code == 400
    assert (await admin.delete("/v1/keys/key_none")).status_code == 404
    assert (await admin.post("/v1/tasks/none/retry")).status_code == 404
    assert (await diary.house.read.post("/v1/keys", json={"name": "x", "scopes": ["admin"]})).status_code == 403
    assert (await diary.house.json("/v1/audit"))["items"] == []


async def test_the_trail_is_filtered_and_paged(house: House) -> None:
    for number in range(5):
        await house.write.post("/v1/tasks", json={"id": f"task-{number}"})
    await house.admin.post("/v1/callback-urls")
    first = await house.json("/v1/audit", actor="write", limit="3")
    assert [one["subject"] for one in first["items"]] == ["task-4", "task-3", "task-2"]
    rest = await house.json("/v1/audit", actor="write", limit="3", cursor=first["next"])
    assert ([one["subject"] for one in rest["items"]], rest["next"]) == (["task-1", "task-0"], None)
    assert len((await house.json("/v1/audit", key_id=setting_id("admin")))["items"]) == 1
    assert len((await house.json("/v1/audit", action="task.told", subject="task-3"))["items"]) == 1
    at = first["items"][0]["at"]
    assert (await house.json("/v1/audit", before="2020-01-01T00:00:00Z"))["items"] == []
    assert len((await house.json("/v1/audit", after="2020-01-01T00:00:00Z"))["items"]) == 6
    assert (await house.json("/v1/audit", after="2200-01-01T00:00:00Z", before=at))["items"] == []


@pytest.mark.parametrize("query", [{"action": "key.stolen"}, {"after": "yesterday"}, {"since": "x"}, {"cursor": "!"}])
@pytest.mark.asyncio(loop_scope="module")
async def test_a_wrong_filter_is_400(empty: House, query: dict[str, str]) -> None:
    answer = await empty.admin.get("/v1/audit", params=query)
    assert_problem(answer, 400, answer.json()["code"])
