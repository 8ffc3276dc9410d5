"""What the demonstration asks of the service and of the stand-in, over HTTPS."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from service.demo.process import PROVIDER_KEY, Place

Json = dict[str, Any]

READY_WITHIN = 30.0


@dataclass(frozen=True, slots=True)
class Submitted:
    """A task at the provider, and where it calls back."""

    task_id: str
    callback_url: str


class Conversation:
    """Both ends of the demonstration."""

    def __init__(self, *, service: httpx.AsyncClient, provider: httpx.AsyncClient) -> None:
        self._service = service
        self._provider = provider

    async def wait_until_ready(self, process: asyncio.subprocess.Process) -> bool:
        """True when the service is ready; False when it ended instead, or is not ready within half a minute."""
        give_up_at = asyncio.get_running_loop().time() + READY_WITHIN
        while process.returncode is None and asyncio.get_running_loop().time() < give_up_at:
            try:
                if (await self._service.get("/readyz")).status_code == 200:
                    return True
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.05)
        return False

    async def submit(self, ref: str, request: Json) -> Submitted:
        """Mint a callback URL, submit a task with it, and tell the service of the task."""
        minted = await self._service.post("/v1/callback-urls", json={"ref": ref, "tags": {"demo": "yes"}})
        minted.raise_for_status()
        body = {**request, "callback_url": minted.json()["callback_url"]}
        submitted = await self._provider.post("/v1/images/generations", json=body)
        submitted.raise_for_status()
        task_id: str = submitted.json()["id"]
        told = await self._service.post("/v1/tasks", json={"id": task_id, "prompt": request["prompt"]})
        told.raise_for_status()
        return Submitted(task_id, body["callback_url"])

    async def forge(self, submitted: Submitted, claim: Json) -> None:
        """Call back as somebody would who has learnt the URL."""
        answer = await self._service.post(submitted.callback_url, json={"id": submitted.task_id, **claim})
        answer.raise_for_status()

    async def ask_about(self, task_id: str) -> None:
        """Have the service ask the provider now."""
        answer = await self._service.post(f"/v1/tasks/{task_id}/retry")
        if answer.status_code != httpx.codes.CONFLICT:  # settled in the meantime
            answer.raise_for_status()

    async def truth(self) -> Json:
        """The stand-in's ledger."""
        ledger: Json = (await self._provider.get("/simulator/ledger")).raise_for_status().json()
        return ledger

    async def every(self, path: str, **filters: str) -> list[Json]:
        """All items of a list, page by page."""
        items: list[Json] = []
        cursor: str | None = None
        while True:
            query = {"limit": "200", **({"cursor": cursor} if cursor else {}), **filters}
            page = (await self._service.get(path, params=query)).raise_for_status().json()
            items += page["items"]
            cursor = page["next"]
            if cursor is None:
                return items


@asynccontextmanager
async def conversation(place: Place, provider_url: str) -> AsyncIterator[Conversation]:
    tls = ssl.create_default_context(cafile=place.ca_file)

    def client(base_url: str, key: str) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            base_url=base_url,
            verify=tls,
            headers={"Authorization": f"Bearer {key}", "User-Agent": "darkroom-demo"},
            timeout=15,
            trust_env=False,
        )

    async with client(place.url, place.api_key) as service, client(provider_url, PROVIDER_KEY) as provider:
        yield Conversation(service=service, provider=provider)
