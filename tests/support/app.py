"""The service in this process: settings, one running app, a client for each scope. It opens no socket.

It has no archiver of its own: `House.archive` does that work when a test asks for it, without a network.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
from asgi_lifespan import LifespanManager
from starlette.types import ASGIApp

from service.app import create_app
from service.bootstrap import Components, open_components
from service.bootstrap.thumbnails import thumbnails_of
from service.domain.attempt import Failed
from service.intake.accept import Intake
from service.intake.allowance import Allowances
from service.keys.failures import Failures
from service.settings import Settings, load_settings
from service.storage import ObjectStore
from tests.support.deliveries import TASK, task_object
from tests.support.fetching import FakeFetcher, archive_due, archiver_for, purge_due, write_sidecars
from tests.support.migrated import put_migrated
from tests.system.support.waiting import eventually

PUBLIC_URL = "https://darkroom.example.com"
SCOPES = ("read", "write", "admin")
SECRET = "a signing secret of more than 32 characters"


def settings_for(folder: Path, **overrides: Any) -> Settings:
    """Settings of a service that keeps everything below `folder`; `overrides` go by field name."""
    given: dict[str, Any] = {
        "data_dir": folder / "data",
        "public_url": PUBLIC_URL,
        "roles": "receiver,reconciler,api",
        "callbacks": {"secrets": [SECRET], "retention": "36500d"},  # what tests deliver is of a day long ago
        "api_keys": [{"name": scope, "key": f"key-{scope}", "scopes": [scope]} for scope in SCOPES],
        "storage": {"min_free_bytes": 0},
    }
    return load_settings(env_file=None, **{**given, **overrides})


def client_for(app: ASGIApp, *, key: str | None = None) -> httpx.AsyncClient:
    """A client whose unhandled server errors are answers, as they are over a socket."""
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app, raise_app_exceptions=False),
        base_url=PUBLIC_URL,
        headers={"Authorization": f"Bearer {key}"} if key else {},
    )


@dataclass(frozen=True, slots=True)
class House:
    """A running service and who talks to it."""

    parts: Components
    app: ASGIApp
    anyone: httpx.AsyncClient
    read: httpx.AsyncClient
    write: httpx.AsyncClient
    admin: httpx.AsyncClient

    async def mint(self, **wish: Any) -> str:
        """The path of a fresh callback URL."""
        answer = await self.write.post("/v1/callback-urls", json=wish)
        assert answer.status_code == 201, answer.text
        return str(urlsplit(answer.json()["callback_url"]).path)

    async def call_back(self, body: Mapping[str, Any] | bytes, *, path: str | None = None) -> httpx.Response:
        """What the provider does; through a fresh URL where none is named."""
        target = path if path is not None else await self.mint()
        if isinstance(body, bytes):
            return await self.anyone.post(target, content=body)
        return await self.anyone.post(target, json=dict(body))

    async def complete(self, task_id: str = TASK, **members: Any) -> None:
        """A completed callback, accepted."""
        answer = await self.call_back(task_object(task_id=task_id, **members))
        assert answer.status_code == 202, answer.text

    async def until_confirmed(self, task_id: str) -> Any:
        """What a polling client sees once the provider has vouched for the end."""

        async def look() -> bool | None:
            return (await self.json(f"/v1/tasks/{task_id}"))["confirmed"] or None

        await eventually(look, what=f"{task_id} is confirmed")
        return (await self.read.get(f"/evolink/v1/tasks/{task_id}")).json()

    async def archive(self, answers: Mapping[str, bytes | Failed | Exception] | None = None) -> None:
        """One attempt at everything that is due, then the sidecars."""
        parts = self.parts
        fetcher = FakeFetcher(parts.store.staging, answers)
        await archive_due(archiver_for(parts.catalog, parts.store, fetcher, metrics=parts.metrics))
        await write_sidecars(parts.catalog, parts.store)

    async def purge(self) -> None:
        await purge_due(self.parts.catalog, self.parts.store)
        await write_sidecars(self.parts.catalog, self.parts.store)

    async def metric(self, sample: str) -> float:
        """The value of one sample, named as the exposition has it."""
        text = (await self.read.get("/metrics")).text
        [found] = [line for line in text.splitlines() if line.startswith(f"{sample} ")]
        return float(found.rpartition(" ")[2])

    async def json(self, path: str, **query: str) -> Any:
        """What the admin key reads at a path."""
        answer = await self.admin.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()


@asynccontextmanager
async def serving(
    folder: Path, *, store: ObjectStore | None = None, clock: Callable[[], float] | None = None, **overrides: Any
) -> AsyncIterator[House]:
    """A house for as long as the block runs; `store` takes the place of the one on disk.

    `clock` tells how time passes for what tokens may use up, and for who fails to show a key.
    """
    settings = settings_for(folder, **overrides)
    if not settings.on_postgres and not settings.database_path.exists():
        put_migrated(settings.database_path)
    with open_components(settings) as opened:
        parts = opened
        if store is not None:
            parts = replace(
                opened, store=store, thumbnails=thumbnails_of(settings, opened.catalog, store, opened.decoders)
            )
        parts = _with_clock(parts, clock) if clock is not None else parts
        async with living(parts) as manager:
            clients = [client_for(manager.app, key=key) for key in (None, *(f"key-{scope}" for scope in SCOPES))]
            yield House(parts, manager.app, *clients)
            for client in clients:
                await client.aclose()


def living(parts: Components) -> LifespanManager:
    """The application from its start to its end, on a machine that may be busy."""
    return LifespanManager(create_app(parts), startup_timeout=60, shutdown_timeout=60)


def _with_clock(parts: Components, clock: Callable[[], float]) -> Components:
    allowances = Allowances(catalog=parts.catalog, clock=clock)
    intake = Intake(
        catalog=parts.catalog,
        rules=parts.rules,
        archive=parts.archive_nudge,
        sidecars=parts.sidecar_nudge,
        reconcile=parts.reconcile_nudge,
        metrics=parts.metrics,
        allowances=allowances,
    )
    failures = Failures(tell=parts.metrics.auth_failed, clock=clock)
    return replace(parts, allowances=allowances, intake=intake, failures=failures)


def assert_problem(answer: httpx.Response, status: int, code: str) -> None:
    """The answer is a problem document (RFC 9457) of this status and code."""
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    if answer.request.method == "HEAD":
        return
    document = answer.json()
    assert (document["status"], document["code"]) == (status, code), document
    assert document["type"] == "about:blank"
    assert document["title"]
    assert document["detail"]
