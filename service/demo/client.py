"""What the demonstration asks of the service and of the stand-in, over HTTPS."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from service.demo.process import Place

Json = dict[str, Any]

READY_WITHIN = 30.0


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

    async def submit(self, ref: str, request: Json) -> str:
        """Mint a callback URL and submit a task with it; the task's id."""
        minted = await self._service.post("/v1/callback-urls", json={"ref": ref, "tags": {"demo": "yes"}})
        minted.raise_for_status()
        body = {**request, "callback_url": minted.json()["callback_url"]}
        submitted = await self._provider.post("/v1/images/generations", json=body)
        submitted.raise_for_status()
        task_id: str = submitted.json()["id"]
        return task_id

    async def truth(self) -> Json:
        """The stand-in's ledger."""
        ledger: Json = (await self._provider.get("/simulator/ledger")).raise_for_status().json()
        return ledger

    async def every(self, path: str) -> list[Json]:
        """All items of a list, page by page."""
        items: list[Json] = []
        cursor: str | None = None
        while True:
            query = {"limit": "200", **({"cursor": cursor} if cursor else {})}
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

    async with client(place.url, place.api_key) as service, client(provider_url, "demo-provider-key") as provider:
        yield Conversation(service=service, provider=provider)
