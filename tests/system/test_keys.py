"""Keys that are made and revoked beside a running server, too many wrong ones, and the trail of who changed what."""

import json
from typing import Any

import httpx
import pytest

from tests.system.conftest import Start
from tests.system.support.darkroom import Darkroom
from tests.system.support.provider import new_task_id
from tests.system.support.settings import list_setting
from tests.system.support.waiting import eventually

pytestmark = pytest.mark.long

GUESS = "sesame-that-somebody-guessed"
MADE_UP = "sesame-that-somebody-thought-up"
TOO_MANY = 60


async def key_command(service: Darkroom, *arguments: str) -> Any:
    done = await service.run("key", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


async def until(service: Darkroom, key: str, status: int, path: str = "/v1/tasks") -> None:
    async with service.client(key) as client:

        async def look() -> bool | None:
            return (await client.get(path)).status_code == status or None

        await eventually(look, what=f"the key is answered {status}", within=10)


async def test_a_key_of_a_command_opens_a_running_server_until_a_command_revokes_it(start: Start) -> None:
    service = await start()
    key = await key_command(service, "create", "shop", "--scope", "write")
    await until(service, key["key"], 200)
    async with service.client(key["key"]) as client:
        task_id = new_task_id()
        told = await client.post("/v1/tasks", json={"id": task_id, "prompt": "a lighthouse"})
        assert told.status_code == 201
        assert (await client.get("/v1/keys")).status_code == 403
    [entry] = (await service.api.get("/v1/audit", key_id=key["id"]))["items"]
    assert (entry["action"], entry["subject"], entry["actor"]["name"]) == ("task.told", task_id, "shop")
    assert entry["address"] == "127.0.0.1"
    await key_command(service, "revoke", key["id"])
    await until(service, key["key"], 401)
    trail = (await service.api.get("/v1/audit", key_id="command"))["items"]
    assert [(one["action"], one["subject"]) for one in trail] == [
        ("key.revoked", key["id"]),
        ("key.created", key["id"]),
    ]
    assert service.leaked([key["key"]]) == []
    assert key["key"] not in json.dumps([trail, await service.api.get("/v1/keys")])


async def test_a_key_of_the_api_outlives_a_restart_and_a_rotation_keeps_its_name(start: Start) -> None:
    service = await start()
    made = (await service.api.client.post("/v1/keys", json={"name": "shop", "scopes": ["read"]})).json()
    assert await service.stop() == 0
    await service.start()
    await until(service, made["key"], 200)
    wish = {"replaces": made["id"], "overlap": 1}
    anew = (await service.api.client.post("/v1/keys", json=wish)).json()
    assert (anew["name"], anew["scopes"]) == ("shop", ["read"])
    await until(service, anew["key"], 200)
    await until(service, made["key"], 401)
    assert (await service.api.client.delete(f"/v1/keys/{anew['id']}")).status_code == 204
    await until(service, anew["key"], 401)
    assert service.leaked([made["key"], anew["key"]]) == []


async def test_too_many_wrong_keys_are_answered_429_and_a_key_that_was_made_here_still_opens(start: Start) -> None:
    settings = list_setting({"name": "tests", "key": MADE_UP, "scopes": ["admin"]})
    service = await start(API_KEYS=settings, SERVER__TRUSTED_PROXIES="127.0.0.1")
    async with service.client(MADE_UP) as admin, service.client(GUESS) as wrong:
        made = (await admin.post("/v1/keys", json={"name": "shop", "scopes": ["read"]})).json()
        statuses = [(await wrong.get("/v1/tasks")).status_code for _ in range(TOO_MANY)]
        assert set(statuses[:50]) == {401}
        refused = await limited(wrong)
        assert refused.json()["code"] == "too_many_failures"
        assert int(refused.headers["Retry-After"]) >= 1
        elsewhere = await wrong.get("/v1/tasks", headers={"X-Forwarded-For": "192.0.2.7"})
        assert elsewhere.status_code == 401, "another client behind the proxy"
    async with service.client(made["key"]) as client:
        assert (await client.get("/v1/tasks")).status_code == 200
    assert service.log.count('"auth_failed"') <= 4
    assert service.leaked([made["key"], MADE_UP, GUESS]) == []


async def limited(client: httpx.AsyncClient) -> httpx.Response:
    """The first answer that says so; some more may be let through while time passes."""
    for _ in range(TOO_MANY):
        answer = await client.get("/v1/tasks")
        if answer.status_code == 429:
            return answer
    raise AssertionError("nobody is limited")
