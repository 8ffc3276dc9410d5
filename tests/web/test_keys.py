"""Keys and scopes: every route asks for its own, and admin ⊃ write ⊃ read."""

import re
from typing import NamedTuple

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from service.app import create_app
from service.domain.api_key import ApiKey, Denial, Scope
from service.keys.known import Denied
from service.web.keys import actor_of
from tests.support.app import House, assert_problem, client_for
from tests.support.deliveries import TASK
from tests.support.guard import api_key, guard_of
from tests.support.pages import is_page

GUARD = guard_of(api_key("me", "sesame", Scope.READ))


class Guarded(NamedTuple):
    """A route, the scope it asks for, and what it answers to who has it, in a house with nothing in it."""

    method: str
    path: str
    scope: str
    answers: int


ROUTES = [
    Guarded("POST", "/evolink/v1/images/generations", "write", 400),
    Guarded("GET", f"/evolink/v1/tasks/{TASK}", "read", 503),
    Guarded("GET", "/v1/submissions", "read", 200),
    Guarded("GET", "/v1/submissions/none", "read", 404),
    Guarded("GET", "/v1/events", "read", 200),
    Guarded("GET", "/v1/events/1", "read", 404),
    Guarded("POST", "/v1/events/replay", "admin", 400),
    Guarded("POST", "/v1/callback-urls", "write", 201),
    Guarded("GET", "/v1/callback-urls", "read", 200),
    Guarded("GET", "/v1/callback-urls/none", "read", 404),
    Guarded("DELETE", "/v1/callback-urls/none", "admin", 404),
    Guarded("POST", "/v1/tasks", "write", 400),
    Guarded("GET", "/v1/tasks", "read", 200),
    Guarded("GET", f"/v1/tasks/{TASK}", "read", 404),
    Guarded("POST", f"/v1/tasks/{TASK}/retry", "admin", 404),
    Guarded("PATCH", f"/v1/tasks/{TASK}/tags", "write", 404),
    Guarded("PUT", f"/v1/tasks/{TASK}/hold", "admin", 404),
    Guarded("DELETE", f"/v1/tasks/{TASK}/hold", "admin", 404),
    Guarded("GET", "/v1/assets", "read", 200),
    Guarded("GET", f"/v1/assets/{TASK}.0", "read", 404),
    Guarded("DELETE", f"/v1/assets/{TASK}.0", "admin", 404),
    Guarded("GET", f"/v1/assets/{TASK}.0/content", "read", 404),
    Guarded("HEAD", f"/v1/assets/{TASK}.0/content", "read", 404),
    Guarded("GET", f"/v1/assets/{TASK}.0/thumbnail", "read", 404),
    Guarded("GET", f"/v1/assets/{TASK}.0/similar", "read", 404),
    Guarded("POST", f"/v1/assets/{TASK}.0/links", "write", 404),
    Guarded("GET", f"/v1/assets/{TASK}.0/links", "read", 404),
    Guarded("DELETE", f"/v1/assets/{TASK}.0/links/none", "admin", 404),
    Guarded("GET", "/v1/callbacks", "read", 200),
    Guarded("GET", "/v1/callbacks/1", "admin", 404),
    Guarded("POST", "/v1/callbacks/replay", "admin", 400),
    Guarded("GET", "/v1/facets/tasks", "read", 200),
    Guarded("GET", "/v1/facets/assets", "read", 200),
    Guarded("GET", "/v1/export", "read", 400),
    Guarded("GET", "/v1/stats", "read", 200),
    Guarded("GET", "/v1/keys", "admin", 200),
    Guarded("POST", "/v1/keys", "admin", 400),
    Guarded("GET", "/v1/keys/none", "admin", 404),
    Guarded("DELETE", "/v1/keys/none", "admin", 404),
    Guarded("GET", "/v1/audit", "admin", 200),
    Guarded("GET", "/metrics", "read", 200),
]
OPEN = {"GET /livez", "GET /readyz", "GET /a/{token}", "GET /openapi.json", "GET /docs", "GET /static/{name}"} | {
    f"POST /callbacks/{{source}}/{{token}}{slash}" for slash in ("", "/")
}
"""What needs no key."""


async def test_every_route_answers_401_without_a_key_403_below_its_scope_and_works_from_it_up(house: House) -> None:
    clients = {"read": house.read, "write": house.write, "admin": house.admin}
    order = list(clients)
    for route in ROUTES:
        refused = await house.anyone.request(route.method, route.path)
        provider = route.path.startswith("/evolink")
        assert refused.status_code == 401
        if not provider:
            assert_problem(refused, 401, "unauthorized")
        assert refused.headers["www-authenticate"].startswith("Bearer")
        for held, client in clients.items():
            answer = await client.request(route.method, route.path)
            if order.index(held) >= order.index(route.scope):
                assert answer.status_code == route.answers, (route, held, answer.text)
            elif provider:
                assert answer.status_code == 403
            else:
                assert_problem(answer, 403, "forbidden")


def test_every_route_of_the_service_has_a_line_above_or_is_open(empty: House) -> None:
    """A new route gets its scope here, or a place among those that need no key."""
    listed = {(one.method, one.path) for one in ROUTES}
    missing = []
    for route in create_app(empty.parts).routes:
        assert isinstance(route, Route)
        if is_page(route):  # these are for people: see tests/gallery/test_door.py
            continue
        pattern = re.compile(re.sub(r"\{[^}]*\}", "[^/]+", route.path))
        for method in (route.methods or set()) - {"HEAD"}:
            found = any(method == one and pattern.fullmatch(path) for one, path in listed)
            if not found and f"{method} {route.path}" not in OPEN:
                missing.append(f"{method} {route.path}")
    assert missing == []


@pytest.mark.parametrize(
    "path", ["/livez", "/readyz", "/callbacks/evolink/x", "/a/x", "/openapi.json", "/docs", "/static/docs.css"]
)
@pytest.mark.asyncio(loop_scope="module")
async def test_what_is_open_asks_for_no_key(empty: House, path: str) -> None:
    method = "POST" if path.startswith("/callbacks") else "GET"
    assert (await empty.anyone.request(method, path)).status_code in (200, 404)


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Bearer wrong", "Basic sesame", "sesame", "Bearer sesame sesame", "Bearer \u00e9\u00ff"],
)
@pytest.mark.asyncio(loop_scope="module")
async def test_a_header_that_is_no_known_key_is_401_whatever_it_holds(empty: House, header: str) -> None:
    answer = await empty.anyone.get("/v1/tasks", headers=httpx.Headers({"Authorization": header}, encoding="latin-1"))
    assert_problem(answer, 401, "unauthorized")


@pytest.mark.parametrize("header", ["Bearer sesame", "bearer sesame", "BEARER  sesame "])
def test_the_scheme_is_read_in_any_case_and_space_around_the_key_is_ignored(header: str) -> None:
    found = GUARD.identify(header)
    assert isinstance(found, ApiKey)
    assert found.name == "me"


def test_only_the_hash_of_a_key_is_kept_and_the_hash_is_no_key() -> None:
    assert isinstance(GUARD.identify(f"Bearer {api_key('me', 'sesame').sha256}"), Denied)
    assert GUARD.identify(None) == Denied(Denial.MISSING)


async def test_while_keys_cannot_be_looked_up_those_of_the_setting_open_and_others_are_told_to_come_again() -> None:
    async def opened(request: Request) -> Response:
        return PlainTextResponse(actor_of(request).name)

    app = Starlette(routes=[GUARD.route("/x", GET=(Scope.READ, opened))])  # nobody has looked at the database yet
    async with client_for(app, key="sesame") as known, client_for(app, key="simsalabim") as unknown:
        assert (await known.get("/x")).text == "me"
        answer = await unknown.get("/x")
    assert_problem(answer, 503, "unavailable")
    assert answer.headers["retry-after"]


@pytest.mark.parametrize(
    ("held", "may"),
    [
        ({Scope.READ}, {Scope.READ}),
        ({Scope.WRITE}, {Scope.READ, Scope.WRITE}),
        ({Scope.ADMIN}, {Scope.READ, Scope.WRITE, Scope.ADMIN}),
        ({Scope.READ, Scope.WRITE}, {Scope.READ, Scope.WRITE}),
        (set(), set()),
    ],
)
def test_admin_includes_write_includes_read(held: set[Scope], may: set[Scope]) -> None:
    key = api_key("me", "sesame", *held)
    assert {scope for scope in Scope if key.may(scope)} == may
