"""Gets links that somebody else named, behind the guard. It must not know what is fetched or keep anything of it.

It sends a GET under our own name and nothing else: no credentials, cookies or Referer, nothing from the environment or
a netrc file. Scheme, host, port and address are judged on every hop.
"""

import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from types import TracebackType
from typing import Self
from urllib.parse import urljoin

import aiohttp
import httpx

from service.domain.attempt import Failed, Failure
from service.outbound.address_policy import AddressPolicy
from service.outbound.connector import Lookup, system_lookup
from service.outbound.failure import failed_request
from service.outbound.guard import Guard
from service.outbound.target import Target
from service.outbound.transport import AiohttpTransport

MAX_REDIRECTS = 3
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class GetError(Exception):
    """A GET that brought nothing usable; `failed` says why. The caller turns it into a value."""

    def __init__(self, failed: Failed) -> None:
        super().__init__(failed.detail)
        self.failed = failed


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds for connecting to one address, look-up and TLS included, and between two reads."""

    connect: float
    read: float


class Answer:
    """The answer after all redirects: its status, headers and host, and the body as it arrives."""

    def __init__(self, response: httpx.Response, *, host: str) -> None:
        self._response = response
        self.host = host
        self.status = response.status_code
        self.headers: Mapping[str, str] = response.headers

    async def blocks(self) -> AsyncGenerator[bytes, None]:
        """The body in blocks as they arrive; raises GetError when it breaks off or is encoded."""
        encoding = self.headers.get("Content-Encoding", "identity").strip().lower()
        if encoding not in ("", "identity"):
            detail = f"{self.host} sent the body {encoding[:20]}-encoded, which was not asked for"
            raise GetError(Failed(Failure.NOT_AN_IMAGE, detail))
        try:
            async for block in self._response.aiter_raw():
                yield block
        except (aiohttp.ClientError, OSError) as error:
            raise GetError(failed_request(error, self.host)) from error


class GuardedClient:
    """Gets links from allowed hosts at allowed addresses; close it with `aclose` or as a context manager.

    `user_agent` names the product truthfully, `proxy` is a URL or None, `max_connections` bounds the pool.
    """

    def __init__(
        self,
        *,
        allowed_hosts: Sequence[str],
        policy: AddressPolicy,
        tls: ssl.SSLContext,
        timeouts: Timeouts,
        user_agent: str,
        max_connections: int,
        proxy: str | None = None,
        lookup: Lookup = system_lookup,
    ) -> None:
        self._allowed_hosts = tuple(allowed_hosts)
        self._guard = Guard(policy, tls, timeouts.connect, timeouts.read, max_connections, proxy, lookup)
        self._client = httpx.AsyncClient(
            transport=AiohttpTransport(self._guard.open_session, proxy=proxy),
            headers={"User-Agent": user_agent, "Accept": "*/*", "Accept-Encoding": "identity"},
            trust_env=False,
        )
        del self._client.headers["Connection"]  # the transport's business
        self._client.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=()))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close every connection."""
        await self._client.aclose()

    @asynccontextmanager
    async def get(self, link: str) -> AsyncIterator[Answer]:
        """Get a link, following at most 3 redirects; raises GetError for whatever goes wrong outside."""
        response, host = await self._follow(link)
        try:
            yield Answer(response, host=host)
        finally:
            await response.aclose()

    async def _follow(self, link: str) -> tuple[httpx.Response, str]:
        for _ in range(MAX_REDIRECTS + 1):
            target = self._judged(link)
            response = await self._request(target)
            location = response.headers.get("Location")
            if response.status_code not in _REDIRECTS or location is None:
                return response, target.host
            await response.aclose()
            link = _resolved(target, location)
        raise GetError(Failed(Failure.HTTP_STATUS, f"{target.host} redirected more than {MAX_REDIRECTS} times"))

    def _judged(self, link: str) -> Target:
        target = self._guard.judged(link, self._allowed_hosts)
        if isinstance(target, Failed):
            raise GetError(target)
        return target

    async def _request(self, target: Target) -> httpx.Response:
        """Send what was checked: the host as it was read, and path and query without another parser's changes."""
        wanted = {"target": target.path_and_query.encode()}
        try:
            request = self._client.build_request("GET", target.origin, extensions=wanted)
            return await self._client.send(request, stream=True)
        except (httpx.InvalidURL, httpx.RemoteProtocolError, UnicodeError) as error:
            # httpx cannot read the host, or a Location, which it parses although it is told not to follow
            raise GetError(Failed(Failure.REFUSED_HOST, "the link, or what it redirects to, is malformed")) from error
        except (aiohttp.ClientError, OSError) as error:
            raise GetError(failed_request(error, target.host)) from error


def _resolved(target: Target, location: str) -> str:
    try:
        return urljoin(target.url, location)
    except ValueError as error:
        detail = f"{target.host} redirected to something malformed"
        raise GetError(Failed(Failure.REFUSED_HOST, detail)) from error
