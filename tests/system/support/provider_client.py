"""A client as somebody writes it from the provider's documentation: submit, poll, download. It knows nothing but that.

What it is pointed at is a base URL and a key, and nothing else may have to change.
"""

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import httpx

POLL_EVERY = 0.3
"""Seconds; real clients take 3 to 5."""

MOST_TRIES = 5
LONGEST_PAUSE = 10.0
"""Seconds between two tries, whatever the answer asks for."""

NAMED = {"User-Agent": "lighthouse-shop/1.0"}
"""The host of the images answers 403 to the usual names of libraries."""

ENDED = frozenset({"completed", "failed", "cancelled"})
TRY_AGAIN = frozenset({429, 500, 502, 503, 504})


class ProviderError(Exception):
    """An answer that is no success; `error` is the object that the documentation promises."""

    def __init__(self, answer: httpx.Response) -> None:
        self.status = answer.status_code
        self.error: dict[str, Any] = answer.json()["error"]
        super().__init__(f"{self.status} {self.error}")


class ProviderClient:
    """Talks to one account; close it with `aclose` or as a context manager."""

    def __init__(self, base_url: str, key: str, *, tls: ssl.SSLContext, tries: int = MOST_TRIES) -> None:
        self._http = httpx.AsyncClient(
            base_url=base_url,
            headers={"Authorization": f"Bearer {key}", **NAMED},
            verify=tls,
            trust_env=False,
            timeout=60,
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
        )
        self._files = httpx.AsyncClient(headers=NAMED, verify=tls, trust_env=False, timeout=60)  # no key for links
        self._tries = tries

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        await self._http.aclose()
        await self._files.aclose()

    async def submit(
        self, *, key: str | None = None, headers: Mapping[str, str] | None = None, **wish: Any
    ) -> dict[str, Any]:
        """Submit, and try again for a while where that may help; the task. Raises ProviderError."""
        pause = 1.0
        for _ in range(self._tries - 1):
            try:
                answer = await self.submit_once(key=key, headers=headers, **wish)
            except httpx.TransportError:
                await asyncio.sleep(pause)
                continue
            if answer.status_code not in TRY_AGAIN:
                return _task(answer)
            await asyncio.sleep(min(float(answer.headers.get("Retry-After", pause)), LONGEST_PAUSE))
        return _task(await self.submit_once(key=key, headers=headers, **wish))

    async def submit_once(
        self, *, key: str | None = None, headers: Mapping[str, str] | None = None, **wish: Any
    ) -> httpx.Response:
        """One request, and its answer as it is."""
        sent = {**(headers or {}), **({"Idempotency-Key": key} if key is not None else {})}
        return await self._http.post("/v1/images/generations", json=wish, headers=sent)

    async def look(self, task_id: str) -> httpx.Response:
        """One question about a task, and its answer as it is."""
        return await self._http.get(f"/v1/tasks/{task_id}")

    async def wait(self, task_id: str, *, within: float = 30.0) -> dict[str, Any]:
        """Poll until the task has ended. Raises ProviderError and TimeoutError."""
        async with asyncio.timeout(within):
            while True:
                task = _task(await self.look(task_id))
                if task["status"] in ENDED:
                    return task
                await asyncio.sleep(POLL_EVERY)

    async def download(self, links: Sequence[str]) -> list[bytes]:
        """The images behind these links."""
        return [(await self.fetch(link)).raise_for_status().content for link in links]

    async def fetch(self, link: str) -> httpx.Response:
        return await self._files.get(link)


def _task(answer: httpx.Response) -> dict[str, Any]:
    if answer.status_code != 200:
        raise ProviderError(answer)
    task: dict[str, Any] = answer.json()
    return task
