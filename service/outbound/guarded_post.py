"""Posts to addresses that somebody else named, behind the guard. It must not know what is sent.

Nothing that is answered counts but the status and how long to wait: no redirect is followed, no cookie kept, and of the
body no more is read than leaves the connection usable. Nothing comes from the environment or a netrc file.
"""

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import aiohttp
import httpx

from service.domain.attempt import Failed, Failure
from service.errors import Unavailable
from service.outbound.address_policy import AddressPolicy
from service.outbound.connector import Lookup, system_lookup
from service.outbound.failure import failed_request, own_fault
from service.outbound.guard import Guard
from service.outbound.target import Target
from service.outbound.transport import AiohttpTransport

MOST_READ = 64 * 1024
"""Bytes of an answer; one that is longer costs its connection."""

_ANY_HOST = ("*",)
"""Whose URL it is decides where to; nobody can lead us on from there."""


@dataclass(frozen=True, slots=True)
class Posted:
    """An answer: its host, its status, and its Retry-After as it came."""

    host: str
    status: int
    retry_after: str | None


class GuardedPost:
    """Posts to allowed addresses; close it with `aclose` or as a context manager.

    Timeouts are seconds for connecting, look-up and TLS included, and for all of it. `user_agent` names the product
    truthfully, `proxy` is a URL or None, `max_connections` bounds the pool. With `judge_names` a name is looked up here
    before a proxy hears of it, which looks it up again.
    """

    def __init__(
        self,
        *,
        policy: AddressPolicy,
        tls: ssl.SSLContext,
        connect_timeout: float,
        total_timeout: float,
        user_agent: str,
        max_connections: int,
        proxy: str | None = None,
        judge_names: bool = False,
        lookup: Lookup = system_lookup,
    ) -> None:
        self._guard = Guard(policy, tls, connect_timeout, total_timeout, max_connections, proxy, lookup)
        self._total_timeout = total_timeout
        self._judge_names = judge_names
        self._headers = {"User-Agent": user_agent, "Accept": "*/*", "Accept-Encoding": "identity"}
        self._transport = AiohttpTransport(self._guard.open_session, proxy=proxy)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close every connection."""
        await self._transport.aclose()

    async def post(self, url: str, content: bytes, *, headers: Mapping[str, str]) -> Posted | Failed:
        """Send it once. Raises Unavailable when this process can open no connection: that says nothing of the host."""
        target = self._guard.judged(url, _ANY_HOST)
        if isinstance(target, Failed):
            return target
        if self._judge_names and (refused := await self._guard.refused_name(target)) is not None:
            return refused
        answered: Posted | None = None
        try:
            async with asyncio.timeout(self._total_timeout):
                response = await self._send(target, content, headers)
                try:
                    answered = Posted(target.host, response.status_code, response.headers.get("Retry-After"))
                    await _read_to_end(response)
                finally:
                    await response.aclose()
        except (httpx.InvalidURL, UnicodeError):
            return Failed(Failure.REFUSED_HOST, "the link is malformed")
        except (aiohttp.ClientError, OSError) as error:  # a timeout too
            if answered is not None:
                return answered
            failed = failed_request(error, target.host)
            if (lacking := own_fault(error, failed)) is not None:
                raise Unavailable(f"no connection can be opened: {lacking}") from error
            return failed
        return answered

    async def _send(self, target: Target, content: bytes, headers: Mapping[str, str]) -> httpx.Response:
        """Send what was checked; past httpx's client, which reads a Location although it is told not to follow."""
        request = httpx.Request(
            "POST",
            target.origin,
            headers={**self._headers, **headers},
            content=content,
            extensions={"target": target.path_and_query.encode()},
        )
        return await self._transport.handle_async_request(request)


async def _read_to_end(response: httpx.Response) -> None:
    """Read what is left, unless that is too much; an error here does not take the answer back."""
    size = 0
    async for block in response.aiter_raw():
        size += len(block)
        if size > MOST_READ:
            return
