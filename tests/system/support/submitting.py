"""Submitting in the tests: what is asked for, by whom, and what must come of it in the account and in the archive."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from tests.system.support.authority import Authority
from tests.system.support.darkroom import Darkroom
from tests.system.support.gateway import Gateway
from tests.system.support.kept import assert_kept, at_rest
from tests.system.support.provider_client import ProviderClient
from tests.system.support.settings import KEY
from tests.system.support.stand_in import PROVIDER_KEY, SIZE, Ledger, StandIn
from tests.system.support.waiting import eventually

MODEL = "gpt-image-2"


def wish(prompt: str = "a lighthouse at dusk", **members: Any) -> dict[str, Any]:
    """A request for the smallest image that there is."""
    return {"model": MODEL, "prompt": prompt, "size": SIZE, **members}


def trusting(provider: StandIn) -> ssl.SSLContext:
    """Takes the provider's certificates, and those of the tests."""
    return ssl.create_default_context(cafile=provider.settings["TLS__CA_FILE"])


def straight(provider: StandIn, *, key: str = PROVIDER_KEY, tries: int = 1) -> ProviderClient:
    """A client of the provider itself."""
    return ProviderClient(provider.url, key, tls=trusting(provider), tries=tries)


def through(service: Darkroom, provider: StandIn, *, key: str = KEY, tries: int = 1) -> ProviderClient:
    """The same client with another base URL and another key."""
    return ProviderClient(f"{service.url}/evolink", key, tls=trusting(provider), tries=tries)


@asynccontextmanager
async def gateway_before(provider: StandIn, authority: Authority) -> AsyncIterator[Gateway]:
    """A gateway that services trust as they trust this provider: its `url` is for EVOLINK__API_URL."""
    gateway = Gateway(provider.url, server_tls=authority.server_tls(), client_tls=trusting(provider))
    await gateway.open()
    try:
        yield gateway
    finally:
        await gateway.close()


async def quiet(provider: StandIn) -> None:
    """Wait until a service has looked through the account, as it does at its start."""

    async def look() -> bool | None:
        return (await provider.ledger()).requests["list_tasks"] > 0 or None

    await eventually(look, what="the service has asked for the list")


async def answered(
    client: ProviderClient, asked: dict[str, Any], *, within: float = 30.0, **given: Any
) -> httpx.Response:
    """Ask again and again for what could not be told yet: the first answer with a task."""

    async def look() -> httpx.Response | None:
        answer = await client.submit_once(**given, **asked)
        assert answer.status_code in (200, 503), answer.text
        return answer if answer.status_code == 200 else None

    return await eventually(look, what="the task of a request is known", within=within, every=0.3)


def assert_unclear(answer: httpx.Response) -> None:
    """Nobody knows yet whether the provider took it, and its client is told to come again."""
    assert answer.status_code == 503, answer.text
    assert answer.json()["error"]["code"] == "submission_unclear"
    assert int(answer.headers["Retry-After"]) >= 1


async def only_task(provider: StandIn) -> str:
    """The id of the one task in the account: nothing was paid twice."""
    [task_id] = (await provider.ledger()).tasks
    return task_id


async def assert_archived_with(service: Darkroom, ledger: Ledger, task_id: str, asked: dict[str, Any]) -> Any:
    """Wait until every image of a task is archived, once, with what was asked for; returns the task.

    The images may be there before it is found out who asked for them.
    """

    async def look() -> bool | None:
        return (await service.api.get(f"/v1/tasks/{task_id}"))["prompt"] is not None or None

    await assert_kept(service, ledger, task_id)
    await eventually(look, what=f"{task_id} has its prompt")
    task = await at_rest(service, task_id)
    assert {"model": task["model"], "prompt": task["prompt"], **task["parameters"]} == asked
    return task


async def reserved(service: Darkroom) -> float:
    """US dollars that are held back for what is under way."""
    stats = await service.api.get("/v1/stats")
    found: float = stats["cost"]["total"]["reserved_usd"]
    return found


async def spent(service: Darkroom, *, images: int) -> Any:
    """What was spent, as soon as so many images are counted, which is a moment after they are archived."""

    async def look() -> Any:
        cost = (await service.api.get("/v1/stats"))["cost"]
        return cost if cost["total"]["images"] == images else None

    return await eventually(look, what=f"{images} images are counted", within=10)


async def nothing_reserved(service: Darkroom) -> None:
    """Wait until nothing is held back: what has ended is counted a moment later."""

    async def look() -> bool | None:
        return await reserved(service) == 0 or None

    await eventually(look, what="nothing is held back", within=10)
