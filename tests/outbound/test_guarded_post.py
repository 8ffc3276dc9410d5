"""The guarded POST against real TLS hosts: what it sends, what it makes of answers, and where nothing ever goes."""

import asyncio
import errno
import gzip
import ipaddress
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import ip_address
from pathlib import Path

import pytest

from service.domain.attempt import Failed, Failure
from service.errors import Unavailable
from service.outbound.address_policy import Address, AddressPolicy
from service.outbound.connector import Lookup
from service.outbound.guarded_post import MOST_READ, GuardedPost, Posted
from service.outbound.tls import tls_context
from tests.notify.receiver import Post, drops, receiving, silence, status
from tests.outbound import test_guarded_client_proxy
from tests.outbound.origin import LOOPBACK, always, names_at, no_names, origin, reply, trusting_tls
from tests.support.starved import no_more_files

CONTENT = b'{"type":"task.settled"}'
proxy = test_guarded_client_proxy.proxy


def guarded_post(
    *,
    trusted: Sequence[str] = LOOPBACK,
    lookup: Lookup = no_names,
    connect_timeout: float = 5,
    total_timeout: float = 10,
    trusting: bool = True,
    proxy: str | None = None,
    judge_names: bool = False,
) -> GuardedPost:
    return GuardedPost(
        policy=AddressPolicy(tuple(ipaddress.ip_network(network) for network in trusted)),
        tls=trusting_tls() if trusting else tls_context(None),
        connect_timeout=connect_timeout,
        total_timeout=total_timeout,
        user_agent="Darkroom/test (+image archiver)",
        max_connections=4,
        proxy=proxy,
        judge_names=judge_names,
        lookup=lookup,
    )


async def send(client: GuardedPost, url: str, **headers: str) -> Posted | Failed:
    answer = await client.post(url, CONTENT, headers={"Content-Type": "application/json", **headers})
    assert not isinstance(answer, Failed) or "/hooks" not in answer.detail
    return answer


async def refused(client: GuardedPost, url: str) -> Failed:
    answer = await send(client, url)
    assert isinstance(answer, Failed)
    return answer


async def test_the_request_carries_the_body_our_own_name_and_what_it_is_given(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    answer = status("200 OK", "Set-Cookie: a=b; Path=/")
    async with receiving(answer) as host, guarded_post() as client:
        for _ in range(2):
            sent = await send(client, host.url("/a%2Fb/../c?k=a%2Bb+c=&&e#fragment"), **{"webhook-id": "evt_1"})
            assert sent == Posted("127.0.0.1", 200, None)
        for post in host.posts:
            assert (post.method, post.path, post.body) == ("POST", "/a%2Fb/../c?k=a%2Bb+c=&&e", CONTENT)
            assert post.headers == {
                "host": f"127.0.0.1:{host.port}",
                "user-agent": "Darkroom/test (+image archiver)",
                "accept": "*/*",
                "accept-encoding": "identity",
                "content-length": str(len(CONTENT)),
                "content-type": "application/json",
                "webhook-id": "evt_1",
            }
        assert host.connections == 1


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.0.0.1.",
        "\uff11\uff12\uff17.\uff10.\uff10.\uff11",
        "0x7f000001",
        "2130706433",
        "127.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::127.0.0.1]",
        "[2002:7f00:1::]",
        "0.0.0.0",
        "[::]",
        "user@127.0.0.1",
        "169.254.169.254",
    ],
)
async def test_a_literal_of_our_own_machine_is_refused_in_every_notation_before_any_connection(host: str) -> None:
    async with receiving() as inner, guarded_post(trusted=()) as client:
        assert (await refused(client, inner.url(host=host))).failure is Failure.REFUSED_ADDRESS
        assert inner.connections == 0


async def test_a_name_that_leads_inside_is_refused_before_any_connection() -> None:
    lookup = names_at(files__evolink__test=["127.0.0.1", "::1"])
    async with receiving() as inner, guarded_post(trusted=(), lookup=lookup) as client:
        failed = await refused(client, inner.url(host="files.evolink.test"))
        assert failed.failure is Failure.REFUSED_ADDRESS
        assert "127.0.0.1 is a loopback address" in failed.detail
        assert inner.connections == 0


async def test_a_name_that_changes_its_address_is_judged_anew_for_each_connection() -> None:
    answers = iter(["127.0.0.1", "127.0.0.2"])

    async def rebinding(name: str, port: int) -> Sequence[Address]:
        return [ip_address(next(answers))]

    bye = status("200 OK", "Connection: close")
    async with (
        receiving(bye) as outer,
        receiving(address="127.0.0.2", port=outer.port) as inner,
        guarded_post(trusted=("127.0.0.1/32",), lookup=rebinding) as client,
    ):
        url = outer.url(host="files.evolink.test")
        assert await send(client, url) == Posted("files.evolink.test", 200, None)
        assert (await refused(client, url)).failure is Failure.REFUSED_ADDRESS
        assert (outer.connections, inner.connections) == (1, 0)


@pytest.mark.parametrize(
    ("url", "failure"),
    [
        ("http://files.evolink.test/hooks", Failure.REFUSED_ADDRESS),
        ("https://user:pass@files.evolink.test/hooks", Failure.REFUSED_ADDRESS),
        ("https://files.evolink.test:8443/hooks", Failure.REFUSED_ADDRESS),
        ("https://1.1.1.1:22/hooks", Failure.REFUSED_ADDRESS),
        ("https://10.0.0.1/hooks", Failure.REFUSED_ADDRESS),
        ("ftp://files.evolink.test/hooks", Failure.REFUSED_ADDRESS),
        ("https:///hooks", Failure.REFUSED_HOST),
        ("nonsense", Failure.REFUSED_HOST),
        ("https://files.evolink.test\\@evil.test/hooks", Failure.REFUSED_HOST),
        ("https://xn--zzzzzz99999.test/hooks", Failure.REFUSED_HOST),
    ],
)
async def test_what_is_no_public_https_address_is_refused_by_its_text_or_its_address(
    url: str, failure: Failure
) -> None:
    lookup = names_at(files__evolink__test=["1.1.1.1"])
    async with guarded_post(lookup=lookup) as client:
        assert (await refused(client, url)).failure is failure


async def test_what_is_malformed_is_told_without_the_link() -> None:
    async with guarded_post() as client:
        failed = await refused(client, "https://xn--zzzzzz99999.test/hooks")
        assert failed == Failed(Failure.REFUSED_HOST, "the link is malformed")


async def test_no_cookie_of_a_name_is_ever_sent_back() -> None:
    lookup = names_at(files__evolink__test=["127.0.0.1"])
    answer = status("200 OK", "Set-Cookie: a=b; Path=/", "Set-Cookie: c=d; Path=/; Secure; Max-Age=999")
    async with receiving(answer) as host, guarded_post(lookup=lookup) as client:
        for _ in range(2):
            await send(client, host.url(host="files.evolink.test"))
        assert [post.headers.get("cookie") for post in host.posts] == [None, None]


async def test_no_more_connections_are_opened_than_the_pool_holds() -> None:
    async with receiving() as host, guarded_post() as client:
        await asyncio.gather(*(send(client, host.url()) for _ in range(12)))
        assert (len(host.posts), host.connections) == (12, 4)


async def test_an_encoded_answer_is_not_unpacked() -> None:
    packed = gzip.compress(bytes(64 * MOST_READ))
    async with receiving(reply(packed, headers=["Content-Encoding: gzip"])) as host, guarded_post() as client:
        for _ in range(2):
            assert await send(client, host.url()) == Posted("127.0.0.1", 200, None)
        assert len(packed) < MOST_READ
        assert host.connections == 1, "unpacked it is too long to be read to its end"


@pytest.mark.parametrize(
    "location",
    ["https://127.0.0.2:{port}/", "https://[::1]:{port}/", "/again", "http://127.0.0.2:{port}/", "https://[", ""],
)
@pytest.mark.parametrize("code", ["301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent"])
async def test_no_redirect_is_followed(location: str, code: str) -> None:
    async with receiving() as outer, receiving(address="127.0.0.2", port=outer.port) as inner:
        outer.usual = status(code, f"Location: {location.format(port=inner.port)}")
        async with guarded_post() as client:
            assert await send(client, outer.url()) == Posted("127.0.0.1", int(code[:3]), None)
        assert (len(outer.posts), inner.connections) == (1, 0)


async def test_the_status_and_how_long_to_wait_are_told() -> None:
    async with receiving(status("503 Service Unavailable", "Retry-After: 17")) as host, guarded_post() as client:
        assert await send(client, host.url()) == Posted("127.0.0.1", 503, "17")


async def test_a_long_answer_is_an_answer_and_costs_its_connection_only() -> None:
    async with receiving(reply(b"x" * (16 * MOST_READ))) as host, guarded_post() as client:
        for _ in range(2):
            assert await send(client, host.url()) == Posted("127.0.0.1", 200, None)
        assert host.connections == 2
        host.usual = reply(b"x" * MOST_READ)
        for _ in range(2):
            assert await send(client, host.url()) == Posted("127.0.0.1", 200, None)
        assert host.connections == 3


async def test_an_answer_without_end_is_read_no_further_than_that() -> None:
    sent = 0

    async def endless(_post: Post, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(b"x" * 65536)
            sent += 65536
            await writer.drain()
            await asyncio.sleep(0)  # asyncio may let who writes to nobody go on for ever

    async with receiving(endless) as host, guarded_post() as client:
        assert await send(client, host.url()) == Posted("127.0.0.1", 200, None)
    assert sent < 16 * 1024 * 1024


def without_end(piece: bytes, *, every: float) -> Callable[[Post, asyncio.StreamWriter], Awaitable[None]]:
    """Answers with so much every so many seconds, until nobody reads it."""

    async def answer(_post: Post, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(every)

    return answer


async def test_an_answer_without_end_in_small_pieces_is_read_no_further_either() -> None:
    pieces = without_end(b"x" * 4096, every=0.001)
    async with receiving(pieces) as host, guarded_post(total_timeout=60) as client, asyncio.timeout(20):
        assert await send(client, host.url()) == Posted("127.0.0.1", 200, None)


async def test_an_answer_of_just_that_length_is_read_to_an_end_that_comes_later() -> None:
    async def in_two_parts(_post: Post, writer: asyncio.StreamWriter) -> None:
        whole = b"x" * MOST_READ
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n" % (len(whole), whole))
        await writer.drain()
        await asyncio.sleep(0.1)
        writer.write(b"0\r\n\r\n")

    async with receiving(in_two_parts) as host, guarded_post() as client:
        for _ in range(2):
            assert await send(client, host.url()) == Posted("127.0.0.1", 200, None)
        assert host.connections == 1


async def test_a_body_that_drips_is_read_no_longer_than_all_of_the_time() -> None:
    async with (
        receiving(without_end(b"x", every=0.01)) as host,
        guarded_post(total_timeout=2) as client,
        asyncio.timeout(20),
    ):
        assert await send(client, host.url()) == Posted("127.0.0.1", 200, None)


async def test_a_body_that_never_comes_does_not_take_the_answer_back() -> None:
    async def halting(_post: Post, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx")
        await asyncio.Event().wait()

    async with receiving(halting) as host, guarded_post(total_timeout=0.3) as client:
        assert await send(client, host.url()) == Posted("127.0.0.1", 200, None)


async def test_a_body_that_breaks_off_does_not_take_the_answer_back() -> None:
    async def breaking(_post: Post, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx")
        await writer.drain()
        writer.close()

    async with receiving(breaking) as host, guarded_post() as client:
        assert await send(client, host.url()) == Posted("127.0.0.1", 200, None)


async def test_a_host_that_says_nothing_is_given_up() -> None:
    async with receiving(silence) as host, guarded_post(total_timeout=0.2) as client:
        assert await send(client, host.url()) == Failed(Failure.UNREACHABLE, "127.0.0.1: no answer in time")


async def test_a_host_that_never_finishes_the_handshake_is_given_up_after_the_connect_timeout() -> None:
    async with (
        origin(always(b""), mute=True) as host,
        guarded_post(connect_timeout=0.1, total_timeout=60) as client,
        asyncio.timeout(30),
    ):
        assert await refused(client, host.url()) == Failed(Failure.UNREACHABLE, "127.0.0.1: no answer in time")


async def test_a_host_that_drips_its_answer_is_given_up_when_all_of_the_time_is_over() -> None:
    async def dripping(_post: Post, writer: asyncio.StreamWriter) -> None:
        for letter in b"HTTP/1.1 200 OK\r\n" + b"X-Long: " + b"x" * 1000:
            writer.write(bytes([letter]))
            await writer.drain()
            await asyncio.sleep(0.05)

    async with receiving(dripping) as host, guarded_post(total_timeout=0.3) as client:
        assert await send(client, host.url()) == Failed(Failure.UNREACHABLE, "127.0.0.1: no answer in time")


async def test_a_host_that_ends_the_connection_is_unreachable_and_not_asked_twice() -> None:
    async with receiving(drops) as host, guarded_post() as client:
        assert await send(client, host.url()) == Failed(Failure.UNREACHABLE, "127.0.0.1: the connection was lost")
        assert len(host.posts) == 1


@pytest.mark.parametrize("answer", [b"not HTTP at all\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"])
async def test_what_is_not_http_is_unreachable(answer: bytes) -> None:
    async with receiving(answer) as host, guarded_post() as client:
        assert (await refused(client, host.url())).failure is Failure.UNREACHABLE


async def test_a_certificate_of_an_unknown_authority_or_for_another_name_is_not_accepted() -> None:
    async with receiving() as host, guarded_post(trusting=False) as client:
        assert "TLS failed" in (await refused(client, host.url())).detail
    lookup = names_at(files__evolink__test=["127.0.0.1"])
    async with receiving(names=["evil.test"]) as host, guarded_post(lookup=lookup) as client:
        assert "TLS failed" in (await refused(client, host.url(host="files.evolink.test"))).detail
        assert host.posts == []


async def test_a_name_that_nobody_knows_is_unreachable() -> None:
    async with guarded_post(lookup=names_at()) as client:
        failed = await refused(client, "https://files.evolink.test/hooks")
        assert failed == Failed(Failure.UNREACHABLE, "files.evolink.test: the name cannot be looked up")


async def test_want_of_descriptors_says_nothing_of_the_host() -> None:
    async with receiving() as host, guarded_post() as client:
        with no_more_files(), pytest.raises(Unavailable, match="no connection can be opened"):
            await send(client, host.url())
        assert await send(client, host.url()) == Posted("127.0.0.1", 204, None)


async def test_want_of_memory_for_a_connection_says_nothing_of_the_host() -> None:
    async def short_of_buffers(name: str, port: int) -> Sequence[Address]:
        raise OSError(errno.ENOBUFS, "no buffers")

    async with guarded_post(lookup=short_of_buffers) as client:
        with pytest.raises(Unavailable, match=r"^no connection can be opened: No buffer space available$"):
            await send(client, "https://files.evolink.test/hooks")


async def test_a_proxy_is_used_where_one_is_named_and_the_url_is_judged_before(
    proxy: tuple[str, list[str]],
) -> None:
    url, asked = proxy
    async with guarded_post(proxy=url, trusted=()) as client:
        for inside in ("https://10.0.0.1/hooks", "https://files.evolink.test:22/hooks", "http://a.test/hooks"):
            assert (await refused(client, inside)).failure is Failure.REFUSED_ADDRESS
        assert asked == []
        assert await send(client, "https://files.evolink.test/hooks") == Posted("files.evolink.test", 200, None)
    assert asked[0].startswith("CONNECT files.evolink.test:443 HTTP/1.1\r\n")


async def test_where_names_are_judged_a_proxy_hears_of_none_that_leads_inside_or_nowhere(
    proxy: tuple[str, list[str]],
) -> None:
    url, asked = proxy
    lookup = names_at(inner__test=["10.0.0.1"], outer__test=["10.0.0.1", "1.1.1.1"])
    async with guarded_post(proxy=url, trusted=(), lookup=lookup, judge_names=True) as client:
        assert (await refused(client, "https://inner.test/hooks")).failure is Failure.REFUSED_ADDRESS
        assert (await refused(client, "https://none.test/hooks")).failure is Failure.UNREACHABLE
        assert asked == []
        await send(client, "https://outer.test/hooks")
        assert asked[0].startswith("CONNECT outer.test:443 ")


async def test_where_names_are_judged_a_look_up_that_hangs_is_given_up_before_a_proxy_hears_of_it(
    proxy: tuple[str, list[str]],
) -> None:
    async def hangs(name: str, port: int) -> Sequence[Address]:
        await asyncio.Event().wait()
        return []

    url, asked = proxy
    async with (
        guarded_post(proxy=url, trusted=(), lookup=hangs, connect_timeout=0.1, judge_names=True) as client,
        asyncio.timeout(30),
    ):
        failed = await refused(client, "https://files.evolink.test/hooks")
    assert failed == Failed(Failure.UNREACHABLE, "files.evolink.test: the name cannot be looked up")
    assert asked == []


async def test_where_names_are_judged_a_literal_address_is_not_looked_up(proxy: tuple[str, list[str]]) -> None:
    url, asked = proxy
    async with guarded_post(proxy=url, trusted=(), judge_names=True) as client:
        assert (await refused(client, "https://10.0.0.1/hooks")).failure is Failure.REFUSED_ADDRESS
        assert asked == []
        await send(client, "https://1.1.1.1/hooks")
    assert asked[0].startswith("CONNECT 1.1.1.1:443 ")


async def test_without_a_proxy_a_name_is_looked_up_once_for_its_connection() -> None:
    asked: list[str] = []

    async def lookup(name: str, port: int) -> Sequence[Address]:
        asked.append(name)
        return [ip_address("127.0.0.1")]

    async with receiving() as host, guarded_post(lookup=lookup, judge_names=True) as client:
        url = host.url(host="files.evolink.test")
        assert await send(client, url) == Posted("files.evolink.test", 204, None)
    assert asked == ["files.evolink.test"]


async def test_unless_it_is_asked_for_names_are_left_to_a_proxy(proxy: tuple[str, list[str]]) -> None:
    url, asked = proxy
    client = GuardedPost(
        policy=AddressPolicy(),
        tls=trusting_tls(),
        connect_timeout=5,
        total_timeout=10,
        user_agent="Darkroom/test",
        max_connections=1,
        proxy=url,
        lookup=no_names,
    )
    async with client:
        assert await send(client, "https://files.evolink.test/hooks") == Posted("files.evolink.test", 200, None)
    assert len(asked) == 1
