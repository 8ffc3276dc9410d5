"""Keys and their scopes, at the routes of a running server."""

import hashlib

import pytest

from tests.system.conftest import Start
from tests.system.support.darkroom import Darkroom
from tests.system.support.provider import call_back, new_task_id, task_object
from tests.system.support.settings import KEY, list_setting

SCOPES = ("read", "write", "admin")
KEYS = {name: f"dk_{name}-only" for name in SCOPES}
NEEDED = {
    ("GET", "/v1/tasks"): "read",
    ("GET", "/v1/tasks/nothing"): "read",
    ("GET", "/v1/assets"): "read",
    ("GET", "/v1/assets/nothing.0"): "read",
    ("GET", "/v1/assets/nothing.0/content"): "read",
    ("GET", "/v1/callbacks"): "read",
    ("GET", "/v1/callback-urls"): "read",
    ("GET", "/metrics"): "read",
    ("POST", "/v1/tasks"): "write",
    ("POST", "/v1/callback-urls"): "write",
    ("POST", "/v1/assets/nothing.0/links"): "write",
    ("DELETE", "/v1/assets/nothing.0"): "admin",
    ("DELETE", "/v1/callback-urls/nothing"): "admin",
    ("GET", "/v1/callbacks/1"): "admin",
}


@pytest.fixture
async def service(start: Start) -> Darkroom:
    """One with a key of each scope; the last is known by its hash only."""
    listed = [{"name": name, "key": KEYS[name], "scopes": [name]} for name in SCOPES[:-1]]
    admin_hash = hashlib.sha256(KEYS["admin"].encode()).hexdigest()
    listed.append({"name": "admin", "sha256": admin_hash, "scopes": ["admin"]})
    tests = {"name": "tests", "key": KEY, "scopes": ["admin"]}
    return await start(API_KEYS=list_setting(*listed, tests))


async def statuses(service: Darkroom, key: str | None) -> dict[tuple[str, str], int]:
    async with service.client(key) as client:
        return {(method, path): (await client.request(method, path)).status_code for method, path in NEEDED}


async def test_without_a_valid_key_only_the_open_routes_answer(service: Darkroom) -> None:
    for key in (None, "dk_wrong", "dk_read-onl"):
        assert await statuses(service, key) == dict.fromkeys(NEEDED, 401), key
    async with service.client(None) as client:
        assert [(await client.get(path)).status_code for path in ("/livez", "/readyz")] == [200, 200]
        url = await service.api.mint()
        answer = await call_back(client, url, task_object(new_task_id(), status="processing"))
        assert answer.status_code == 202, "the provider has no key"


@pytest.mark.long
async def test_a_key_may_do_what_its_scope_and_the_lesser_ones_allow(service: Darkroom) -> None:
    for rank, held in enumerate(SCOPES):
        found = await statuses(service, KEYS[held])
        refused = {route for route, status in found.items() if status == 403}
        assert refused == {route for route, scope in NEEDED.items() if SCOPES.index(scope) > rank}, held
        assert 401 not in found.values()
        assert max(found.values()) < 500


@pytest.mark.long
async def test_a_refusal_is_a_problem_document_with_a_code(service: Darkroom) -> None:
    async with service.client(KEYS["read"]) as client:
        answer = await client.post("/v1/callback-urls")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert (answer.json()["status"], answer.json()["code"]) == (403, "forbidden")
    async with service.client(None) as client:
        answer = await client.get("/v1/tasks")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert (answer.json()["status"], answer.json()["code"]) == (401, "unauthorized")
