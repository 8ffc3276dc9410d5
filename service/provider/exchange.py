"""One request to the provider's API and the whole answer to it, bounded in bytes and time. It judges no answer.

The key goes to the configured host only: no redirect is followed, no proxy or netrc of the environment is used, no
cookie kept. What the URL holds besides scheme, host, port and path is dropped.
"""

import asyncio
import re
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy

import httpx

from service.errors import SettingsError

CONNECT_SECONDS = 5.0
CONNECTIONS = 8
"""At most so many requests are to be under way: a wait for a connection would look like a slow provider."""

_NEVER_LEFT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_KEY = re.compile(r"[\x21-\x7e]+")
_LONGEST_COMPLAINT = 64 * 1024  # bytes of an answer that is no success; only its first words are of use


@dataclass(frozen=True, slots=True)
class Call:
    """What to ask: `path` is percent-encoded and begins with a slash, `cap` is the most bytes of a good answer.

    `once`: it must not arrive twice, so it gets a connection of its own: one that was kept may be closed on the other
    side already, and then nobody knows. `timeout` is seconds for the whole, in place of the client's; `patience` is
    seconds to wait for its turn, without end where there are none; `still` tells at the last moment whether it may go.
    """

    method: str
    path: str
    cap: int
    content: bytes | None = None
    headers: tuple[tuple[str, str], ...] = ()
    once: bool = False
    timeout: float | None = None
    patience: float | None = None
    still: Callable[[], bool] = lambda: True


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, whatever its status."""

    status: int
    body: bytes
    retry_after: str | None = None

    @property
    def success(self) -> bool:
        return 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """None, or none that can be used; `detail` says why in our own words, `left` whether the request may be there."""

    detail: str
    left: bool = True


class Exchange:
    """Sends calls; `timeout` is seconds for a whole one. Close it with `aclose`.

    Raises SettingsError for a URL or key that cannot be sent.
    """

    def __init__(
        self,
        *,
        api_url: str,
        api_key: str,
        tls: ssl.SSLContext,
        user_agent: str,
        timeout: float,
        transport: httpx.AsyncBaseTransport | None,
    ) -> None:
        if _KEY.fullmatch(api_key) is None:
            raise SettingsError("DARKROOM_EVOLINK__API_KEY takes ASCII characters without spaces")
        self._base = _base(api_url)
        self._timeout = timeout

        def client(keepalive: int) -> httpx.AsyncClient:
            made = httpx.AsyncClient(
                headers={
                    "Authorization": f"Bearer {api_key}",
                    "User-Agent": user_agent,
                    "Accept": "application/json",
                    "Accept-Encoding": "identity",  # a few bytes could unfold to any number
                },
                verify=tls,
                timeout=httpx.Timeout(None, connect=min(CONNECT_SECONDS, timeout)),
                limits=httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=keepalive),
                follow_redirects=False,
                trust_env=False,
                transport=transport,
            )
            made.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=()))
            return made

        self._client, self._fresh = client(CONNECTIONS), client(0)

    async def send(self, call: Call) -> Answer | NoAnswer:
        """Send it once; whatever the outside does becomes a value."""
        try:
            async with asyncio.timeout(call.timeout or self._timeout):
                return await self._send(call)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, ValueError) as error:
            # InvalidURL and ValueError: httpx reads a Location although it is told not to follow
            return NoAnswer(_reason(error), left=not isinstance(error, _NEVER_LEFT))

    async def aclose(self) -> None:
        await self._client.aclose()
        await self._fresh.aclose()

    async def _send(self, call: Call) -> Answer | NoAnswer:
        kind = {"Content-Type": "application/json"} if call.content is not None else {}
        url, client = f"{self._base}{call.path}", self._fresh if call.once else self._client
        given = {**kind, **dict(call.headers)}
        async with client.stream(call.method, url, content=call.content, headers=given) as response:
            status, headers = response.status_code, response.headers
            encoding = headers.get("Content-Encoding", "identity").strip().lower()
            if encoding not in ("", "identity"):
                if response.is_success:
                    return NoAnswer("the answer is compressed, which was not asked for")
                return Answer(status, b"", headers.get("Retry-After"))
            if response.is_success:
                body = await _read(response, call.cap)
                if len(body) > call.cap:
                    return NoAnswer(f"the answer is longer than {call.cap} bytes")
                return Answer(status, body)
            return Answer(status, await _read(response, _LONGEST_COMPLAINT), headers.get("Retry-After"))


async def _read(response: httpx.Response, cap: int) -> bytes:
    """The body, or somewhat more than `cap` bytes of it."""
    body = bytearray()
    async for block in response.aiter_bytes():
        body += block
        if len(body) > cap:
            break
    return bytes(body)


def _base(api_url: str) -> str:
    try:
        url = httpx.URL(api_url)
    except httpx.InvalidURL as error:
        raise SettingsError("DARKROOM_EVOLINK__API_URL takes an http or https URL") from error
    path = url.raw_path.partition(b"?")[0]
    return str(url.copy_with(userinfo=b"", raw_path=path, fragment=None)).rstrip("/")


def _reason(error: Exception) -> str:
    """Words of our own: messages of libraries hold addresses and headers, and with them the key."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"TLS failed: {cause.verify_message or 'certificate not valid'}"
        if isinstance(cause, ssl.SSLError):
            return f"TLS failed: {cause.reason or 'handshake broken off'}"
    return next(words for kind, words in _WORDS if any(isinstance(cause, kind) for cause in _causes(error)))


_WORDS: tuple[tuple[type[BaseException], str], ...] = (
    (socket.gaierror, "the provider's name cannot be looked up"),
    (ConnectionRefusedError, "the provider refuses connections"),
    (httpx.ConnectTimeout, "no connection in time"),
    (httpx.TimeoutException, "no answer in time"),
    (TimeoutError, "no answer in time"),
    (httpx.ConnectError, "the provider cannot be reached"),
    (httpx.RemoteProtocolError, "the answer is not HTTP"),
    (httpx.InvalidURL, "the provider's URL, or what it redirects to, is malformed"),
    (UnicodeError, "the provider's URL, or what it redirects to, is malformed"),
    (BaseException, "the connection was lost"),
)
"""The first that an error or one of its causes is."""


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
