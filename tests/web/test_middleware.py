"""What every answer gets, and what only those of a leaving process get."""

from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from service.web.middleware import AnswerHeaders
from tests.support.app import House
from tests.support.deliveries import task_object


async def echo_kind(scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "seen", "kind": scope["type"]})


async def test_what_is_not_http_passes_through() -> None:
    seen: list[Message] = []

    async def send(message: Message) -> None:
        seen.append(message)

    async def receive() -> Any:
        raise AssertionError("nothing to receive")

    await AnswerHeaders(echo_kind, draining=lambda: True)({"type": "lifespan"}, receive, send)
    assert seen == [{"type": "seen", "kind": "lifespan"}]


@pytest.mark.parametrize("path", ["/livez", "/v1/tasks", "/v1/nothing", "/a/x", "/metrics"])
async def test_every_answer_forbids_guessing_its_type(house: House, path: str) -> None:
    answer = await house.admin.get(path)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "connection" not in answer.headers


async def test_a_leaving_process_answers_callbacks_and_closes_its_connections(house: House) -> None:
    path = await house.mint()
    house.parts.readiness.drain()
    answer = await house.call_back(task_object(), path=path)
    assert (answer.status_code, answer.headers["connection"]) == (202, "close")
    for other in ("/livez", "/v1/tasks", "/v1/nothing"):
        assert (await house.admin.get(other)).headers["connection"] == "close"
    ready = await house.anyone.get("/readyz")
    assert (ready.status_code, ready.json()["problems"]) == (503, {"drain": "shutting down"})
