"""The transport below httpx: what was judged is what is asked for, whatever httpx makes of it in between."""

from collections.abc import Mapping
from typing import cast

import aiohttp
import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from yarl import URL

from service.outbound.target import Target, read_link
from service.outbound.transport import READ_BUFFER, AiohttpTransport
from tests.outbound.origin import always, origin, reply, trusting_tls


class Asked(Exception):  # noqa: N818 - a message, not an error
    """Carries what a session was asked for, instead of an answer."""

    def __init__(self, method: str, url: URL, options: Mapping[str, object]) -> None:
        super().__init__(str(url))
        self.method = method
        self.url = url
        self.options = options


class Recorder:
    """In place of a session; opens nothing."""

    def request(self, method: str, url: URL, **options: object) -> None:
        raise Asked(method, url, options)


async def _asked(target: Target) -> URL | None:
    """The URL that reaches the session for a target; None where httpx refuses to read the host."""
    transport = AiohttpTransport(lambda: cast("aiohttp.ClientSession", Recorder()), proxy=None)
    try:
        request = httpx.Request("GET", target.origin, extensions={"target": target.path_and_query.encode()})
        await transport.handle_async_request(request)
    except Asked as asked:
        return asked.url
    except (httpx.InvalidURL, UnicodeError):
        return None
    raise AssertionError("nothing was asked for")


@given(
    st.from_regex(r"https://[a-z0-9_.\-\[\]:%@\u00e0-\u00ff]{1,40}[/?].{0,30}", fullmatch=True)
    | st.text().map(lambda text: f"https://files.evolink.test/{text}")
    | st.ip_addresses(v=6).map(lambda address: f"https://[{address}]:8443/a")
)
@example("https://a:080/../b/./c//d?e=%2f&&f=+ #g")
@example("https://xn--bcher-kva.test:443/%zz")
@example("https://[::ffff:127.0.0.1]:1/")
@example("https://a_b.test/?")
def test_host_port_path_and_query_reach_the_session_as_they_were_judged(link: str) -> None:
    target = read_link(link, allowed_hosts=("*",))
    if isinstance(target, Target):
        # run without a loop: nothing here waits
        steps = _asked(target)
        try:
            steps.send(None)
        except StopIteration as done:
            url = cast("URL | None", done.value)
        if url is not None:
            assert (url.scheme, url.raw_host, url.port, url.user) == ("https", target.host, target.port, None)
            assert url.raw_path_qs == target.path_and_query


async def test_what_is_sent_is_the_request_and_nothing_of_the_librarys_own() -> None:
    transport = AiohttpTransport(lambda: cast("aiohttp.ClientSession", Recorder()), proxy="http://proxy.test:3128")
    sent = [("host", "files.evolink.test"), ("x-many", "a"), ("x-many", "b"), ("content-length", "4")]
    url, target = "https://files.evolink.test/hooks", b"/hooks?a=%2f"
    request = httpx.Request("POST", url, headers=sent, content=b"body", extensions={"target": target})
    with pytest.raises(Asked) as asked:
        await transport.handle_async_request(request)
    assert asked.value.method == "POST"
    assert asked.value.url == URL("https://files.evolink.test/hooks?a=%2f", encoded=True)
    options = dict(asked.value.options)
    assert sorted(cast("list[tuple[str, str]]", options.pop("headers"))) == sorted(sent)
    assert options == {
        "data": b"body",
        "allow_redirects": False,
        "proxy": "http://proxy.test:3128",
        "read_bufsize": READ_BUFFER,
    }


async def test_without_a_body_none_is_sent() -> None:
    transport = AiohttpTransport(lambda: cast("aiohttp.ClientSession", Recorder()), proxy=None)
    with pytest.raises(Asked) as asked:
        await transport.handle_async_request(httpx.Request("GET", "https://files.evolink.test/"))
    assert (asked.value.options["data"], asked.value.options["proxy"]) == (None, None)


async def test_an_answer_passes_through_with_its_headers_as_they_are() -> None:
    answer = reply(b"bytes", headers=["X-Many: a", "X-Many: b", "Content-Encoding: gzip"])
    async with origin(always(answer)) as host:
        transport = AiohttpTransport(
            lambda: aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trusting_tls()), auto_decompress=False),
            proxy=None,
        )
        async with transport:
            response = await transport.handle_async_request(httpx.Request("GET", host.url("/a?b=c")))
            raw = b"".join([block async for block in response.aiter_raw()])
    assert (response.status_code, raw) == (200, b"bytes")
    assert response.headers.get_list("X-Many") == ["a", "b"]
    assert host.requests[0].path == "/a?b=c"
