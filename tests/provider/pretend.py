"""A provider that answers as a test says and counts what reached it, and a clock that stands still between waits."""

import asyncio
import json
import ssl
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx

from service.provider.client import ProviderClient

KEY = "sk-evo-0123456789abcdef"
URL = "https://api.evolink.test"
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ID = "task-unified-1756800000-aaaa"
IDS = tuple(f"task-unified-1756800000-{number:04}" for number in range(200))

Handler = Callable[[httpx.Request], Awaitable[httpx.Response]]


class Clock:
    """Seconds; sleeping moves it on at once."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)  # a wait that is cancelled has taken no time
        self.now += seconds


def task(task_id: str = ID, status: str = "completed", **members: Any) -> dict[str, Any]:
    links = {"results": ["https://files.evolink.test/0.png"]} if status == "completed" else {}
    return {"id": task_id, "type": "image", "status": status, **links, **members}


def found(task_id: str = ID, status: str = "completed", **members: Any) -> httpx.Response:
    return httpx.Response(200, json=task(task_id, status, **members))


def problem(status: int, code: str | int = "", message: str = "", **headers: str) -> httpx.Response:
    error = {"code": code, "message": message, "type": "api_error"}
    return httpx.Response(status, json={"error": error}, headers={k.replace("_", "-"): v for k, v in headers.items()})


MISSING = (404, "task_not_found")


@dataclass(slots=True)
class Provider:
    """Answers single reads by `answer`, batches by `batch`, lists by `page`; what is raised breaks the connection."""

    answer: Callable[[str], httpx.Response] = found
    batch: Callable[[list[str]], httpx.Response] = lambda ids: httpx.Response(404)
    page: Callable[[httpx.Request], httpx.Response] = lambda _: httpx.Response(404)
    submission: Callable[[httpx.Request], httpx.Response] = lambda _: found(status="pending")
    gate: asyncio.Event | None = None  # answers wait for it
    requests: list[httpx.Request] = field(default_factory=list)

    async def handle(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        await asyncio.sleep(0)  # as every answer takes a moment
        if self.gate is not None:
            await self.gate.wait()
        if request.url.path.endswith("/v1/images/generations"):
            return self.submission(request)
        if request.method == "POST":
            return self.batch(json.loads(request.content)["task_ids"])
        if request.url.path.endswith("/v1/tasks"):
            return self.page(request)
        return self.answer(request.url.path.rpartition("/")[2])

    @property
    def asked(self) -> int:
        """How many requests left."""
        return len(self.requests)

    def count(self, method: str) -> int:
        return sum(request.method == method for request in self.requests)

    def broken(self, error: Exception | None = None) -> None:
        """From now on nothing is answered."""

        def fail(_: object) -> httpx.Response:
            raise error or httpx.ConnectError("All connection attempts failed")

        self.answer = self.batch = self.page = fail


def always(response: Callable[[], httpx.Response]) -> Callable[[object], httpx.Response]:
    return lambda _: response()


def batch_of(*tasks: dict[str, Any]) -> Callable[[list[str]], httpx.Response]:
    """A batch route that answers the same whatever it is asked."""
    return lambda _: httpx.Response(200, json={"data": list(tasks)})


def whole_batch(ids: Sequence[str]) -> httpx.Response:
    return httpx.Response(200, json={"object": "list", "data": [task(task_id) for task_id in ids]})


def client(provider: Provider, clock: Clock | None = None, **changes: Any) -> ProviderClient:
    clock = clock or Clock()
    arguments: dict[str, Any] = {
        "api_url": URL,
        "api_key": KEY,
        "tls": ssl.create_default_context(),
        "user_agent": "Darkroom/test",
        "requests_per_second": 1000,
        "transport": httpx.MockTransport(provider.handle),
        "clock": clock,
        "sleep": clock.sleep,
        "jitter": lambda: 0.5,  # the middle: no change
        "now": lambda: NOW,
        **changes,
    }
    return ProviderClient(**arguments)
