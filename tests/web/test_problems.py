"""Errors are problem documents (RFC 9457), whatever went wrong and wherever."""

from dataclasses import replace
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from service.app import create_app
from service.catalog.catalog import Catalog
from service.errors import (
    CatalogUnavailable,
    Conflict,
    DarkroomError,
    Gone,
    Invalid,
    NotFound,
    SettingsError,
    StorageUnavailable,
)
from service.storage import Blocks
from service.web.problems import handlers
from tests.support.app import House, assert_problem, client_for, serving
from tests.support.deliveries import TASK
from tests.support.memory_store import MemoryStore


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Invalid("too_odd", "it is odd"), 400, "too_odd"),
        (NotFound("nowhere", "not here"), 404, "nowhere"),
        (Conflict("not_now", "later"), 409, "not_now"),
        (Gone("was_here", "not any more"), 410, "was_here"),
        (CatalogUnavailable("locked", retry_after=7), 503, "unavailable"),
        (StorageUnavailable("full"), 503, "unavailable"),
        (SettingsError("secret path"), 500, "internal_error"),
        (DarkroomError("secret path"), 500, "internal_error"),
        (RuntimeError("secret path"), 500, "internal_error"),
    ],
)
async def test_an_error_becomes_its_status_and_code(error: Exception, status: int, code: str) -> None:
    async def fail(_request: Request) -> Response:
        raise error

    app = Starlette(routes=[Route("/", fail)], exception_handlers=handlers())
    async with client_for(app) as client:
        answer = await client.get("/")
    assert_problem(answer, status, code)
    assert "secret path" not in answer.text
    if isinstance(error, CatalogUnavailable):
        assert answer.headers["retry-after"] == "7"


@pytest.mark.parametrize(
    "path", ["/nothing", "/v1", "/v1/nothing", "/v1/tasks/a/b", "/callbacks", "/callbacks/evolink"]
)
@pytest.mark.asyncio(loop_scope="module")
async def test_a_path_that_is_no_route_is_a_404_problem(empty: House, path: str) -> None:
    assert_problem(await empty.admin.get(path), 404, "not_found")


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", "/v1/tasks"), ("GET", "/callbacks/evolink/x"), ("DELETE", "/v1/callbacks"), ("POST", "/livez")],
)
@pytest.mark.asyncio(loop_scope="module")
async def test_a_method_that_a_route_does_not_take_is_a_405_problem_that_says_which_it_takes(
    empty: House, method: str, path: str
) -> None:
    answer = await empty.admin.request(method, path)
    assert_problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"]


@pytest.mark.parametrize("path", ["/v1/tasks/", "/v1/assets/", "/v1/callback-urls/", "/readyz/", "/a/x/", "/metrics/"])
@pytest.mark.asyncio(loop_scope="module")
async def test_a_trailing_slash_is_never_redirected(empty: House, path: str) -> None:
    assert_problem(await empty.admin.get(path), 404, "not_found")


@pytest.mark.parametrize("name", ["%00", "%ff%fe", "%F0%9F%92%A5", "%2e%2e%2f%2e%2e", "a" * 5000, "%0d%0aX-Evil:1"])
@pytest.mark.asyncio(loop_scope="module")
async def test_odd_names_in_a_path_are_not_found_and_harm_nothing(empty: House, name: str) -> None:
    for path in (f"/v1/tasks/{name}", f"/v1/assets/{name}.0", f"/v1/callbacks/{name}", f"/a/{name}"):
        answer = await empty.admin.get(path)
        assert answer.status_code == 404, (path, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
        assert "x-evil" not in answer.headers
    assert_problem(
        await empty.admin.delete(f"/v1/callback-urls/{name}"),
        404,
        "callback_url_not_found" if "2f" not in name else "not_found",
    )


@pytest.mark.parametrize("path", ["/v1/tasks", "/v1/assets", "/v1/callbacks", "/v1/callback-urls", "/v1/tasks/task-1"])
async def test_a_database_that_is_gone_is_503_and_not_an_empty_list(house: House, path: str, tmp_path: Path) -> None:
    closed = Catalog(tmp_path / "closed.db")
    closed.close()
    async with client_for(create_app(replace(house.parts, catalog=closed)), key="key-admin") as client:
        answer = await client.get(path)
        assert_problem(answer, 503, "unavailable")
        assert answer.headers["retry-after"]
        told = await client.post("/v1/tasks", json={"id": "task-1"})
        assert_problem(told, 503, "unavailable")


async def test_allow_names_every_method_of_a_path(house: House) -> None:
    """RFC 9110 section 10.2.1."""
    answer = await house.admin.put("/v1/assets/x")
    assert {method.strip() for method in answer.headers["allow"].split(",")} == {"GET", "HEAD", "DELETE"}


async def test_an_unexpected_error_has_the_headers_of_every_answer(tmp_path: Path) -> None:
    class Broken(MemoryStore):
        async def read(self, key: str, start: int = 0, length: int | None = None) -> Blocks | None:
            raise RuntimeError("secret path")

    async with serving(tmp_path, store=Broken(tmp_path)) as house:
        await house.complete()
        await house.archive()
        answer = await house.read.get(f"/v1/assets/{TASK}.0/content")
        assert_problem(answer, 500, "internal_error")
        assert answer.headers.get("x-content-type-options") == "nosniff"
