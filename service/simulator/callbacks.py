"""Sends callbacks as the provider does: POST, JSON, any 2xx is success, a few retries. Source: its callback page.

Redirects are not followed and no proxy is used. Whatever the receiver does becomes an `Attempt`, never an exception.
"""

import asyncio
import ssl
from collections.abc import Callable, Sequence
from typing import Self

import httpx

from service.simulator.callback_plan import Message
from service.simulator.tasks import Attempt

AT_ONCE = 64
ANSWER_READ = 64 * 1024
"""Bytes of an answer that are read so that its connection can serve again; nobody looks at them."""


class Courier:
    """Delivers callbacks. `waits` are the seconds after each failed attempt; `timeout` bounds one attempt."""

    def __init__(self, *, tls: ssl.SSLContext, waits: Sequence[float], timeout: float) -> None:
        self._waits = tuple(waits)
        self._timeout = timeout
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._client = httpx.AsyncClient(
            verify=tls,
            trust_env=False,
            timeout=None,  # noqa: S113 - an attempt is bounded as a whole, below
            headers={"content-type": "application/json", "user-agent": "darkroom-simulator"},
        )

    async def deliver(self, url: str, message: Message, record: Callable[[Attempt], None]) -> bool:
        """Post until the receiver accepts or the retries are used up; `record` is told of each attempt."""
        body = message.first_body or message.body
        for wait in (*self._waits, None):
            attempt = await self.post(url, said=message.said, body=body)
            record(attempt)
            if attempt.delivered or wait is None:
                return attempt.delivered
            body = message.body
            await asyncio.sleep(wait)
        return False

    async def post(self, url: str, *, said: str, body: bytes) -> Attempt:
        """One attempt."""
        async with self._slots:
            try:
                async with asyncio.timeout(self._timeout):
                    return Attempt(said, await self._status(url, body))
            except TimeoutError:
                return Attempt(said, None, "timeout")
            except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
                return Attempt(said, None, type(error).__name__)

    async def _status(self, url: str, body: bytes) -> int:
        async with self._client.stream("POST", url, content=body) as response:
            read = 0
            async for block in response.aiter_raw():
                read += len(block)
                if read > ANSWER_READ:
                    break
            return response.status_code

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self._client.aclose()
