"""The guarded client against real TLS hosts: what it sends, where it goes, and above all where it does not."""

import asyncio
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path

import pytest

from service.domain.attempt import Failed, Failure
from service.outbound.address_policy import Address
from service.outbound.guarded_client import Timeouts
from service.outbound.tls import tls_context
from tests.outbound.origin import (
    Request,
    always,
    body,
    failure,
    guarded_client,
    names_at,
    origin,
    redirects,
    reply,
    then_cut,
)

OK = reply(b"bytes")


async def test_the_request_carries_our_own_name_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    answer = reply(b"bytes", headers=["Set-Cookie: a=b; Path=/"])
    async with origin(redirects({"/first": "/second"}, answer)) as host, guarded_client() as client:
        for _ in range(2):
            assert await body(client, host.url("/first")) == (200, b"bytes")
        assert [request.path for request in host.requests] == ["/first", "/second"] * 2
        for request in host.requests:
            assert request.method == "GET"
            assert request.headers == {
                "host": f"127.0.0.1:{host.port}",
                "user-agent": "Darkroom/test (+image archiver)",
                "accept": "*/*",
                "accept-encoding": "identity",
            }


async def test_no_cookie_of_a_name_is_ever_sent_back() -> None:
    lookup = names_at(files__evolink__test=["127.0.0.1"])
    cookies = ["Set-Cookie: a=b; Path=/", "Set-Cookie: c=d; Path=/; Secure; Max-Age=999"]
    go_on = reply(status="302 Found", headers=["Location: /second", *cookies])

    async def handler(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(go_on if request.path == "/first" else reply(b"bytes", headers=cookies))
        await writer.drain()

    async with origin(handler) as host, guarded_client(lookup=lookup) as client:
        for _ in range(2):
            assert await body(client, host.url("/first", host="files.evolink.test")) == (200, b"bytes")
        assert [request.headers.get("cookie") for request in host.requests] == [None] * 4


async def test_path_and_query_arrive_as_they_were_signed() -> None:
    async with origin(always(OK)) as host, guarded_client() as client:
        await body(client, host.url("/a%2Fb/../c//d.png?X-Sig=a%2Bb+c=&&e;f=%C3%A9#fragment"))
        assert host.requests[0].path == "/a%2Fb/../c//d.png?X-Sig=a%2Bb+c=&&e;f=%C3%A9"


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.0.0.1.",
        "\uff11\uff12\uff17.\uff10.\uff10.\uff11",
        "0x7f000001",
        "2130706433",
        "017700000001",
        "127.1",
        "0177.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::127.0.0.1]",
        "[::ffff:0:127.0.0.1]",
        "[64:ff9b::127.0.0.1]",
        "[64:ff9b:1::127.0.0.1]",
        "[2002:7f00:1::]",
        "[2001:0:7f00:1::]",
        "[2606:4700::5efe:127.0.0.1]",
        "0.0.0.0",
        "[::]",
        "user@127.0.0.1",
    ],
)
async def test_a_literal_of_our_own_machine_is_refused_in_every_notation_before_any_connection(host: str) -> None:
    async with origin(always(OK)) as inner, guarded_client(trusted=()) as client:
        failed = await failure(client, inner.url(host=host))
        assert failed.failure is Failure.REFUSED_ADDRESS
        assert not failed.detail.startswith("port")
        assert inner.connections == 0


async def test_a_name_that_leads_inside_is_refused_before_any_connection() -> None:
    lookup = names_at(files__evolink__test=["127.0.0.1", "::1"])
    async with origin(always(OK)) as inner, guarded_client(trusted=(), lookup=lookup) as client:
        failed = await failure(client, inner.url(host="files.evolink.test"))
        assert failed.failure is Failure.REFUSED_ADDRESS
        assert "files.evolink.test: 127.0.0.1 is a loopback address" in failed.detail
        assert inner.connections == 0


@pytest.mark.parametrize("link", ["https://evil.test/a", "https://evolink.test/", "https://", "nonsense", ""])
async def test_a_host_that_is_not_allowed_is_not_even_looked_up(link: str) -> None:
    async with guarded_client(allowed_hosts=("*.evolink.test",)) as client:
        assert (await failure(client, link)).failure is Failure.REFUSED_HOST


async def test_a_public_address_at_another_port_is_refused() -> None:
    lookup = names_at(files__evolink__test=["1.1.1.1", "2606:4700::1"])
    async with guarded_client(lookup=lookup) as client:
        failed = await failure(client, "https://files.evolink.test:8443/")
        assert failed == Failed(Failure.REFUSED_ADDRESS, "files.evolink.test: port 8443 is not 443")
        assert (await failure(client, "https://1.1.1.1:22/")).failure is Failure.REFUSED_ADDRESS


async def test_an_unknown_name_is_unreachable_not_refused() -> None:
    async with guarded_client(lookup=names_at()) as client:
        failed = await failure(client, "https://files.evolink.test/a")
        assert failed == Failed(Failure.UNREACHABLE, "files.evolink.test: the name cannot be looked up")


async def test_a_look_up_that_hangs_is_given_up_after_the_connect_timeout() -> None:
    async def hangs(name: str, port: int) -> Sequence[Address]:
        await asyncio.Event().wait()
        return []

    async with guarded_client(lookup=hangs, timeouts=Timeouts(connect=0.1, read=60)) as client, asyncio.timeout(30):
        failed = await failure(client, "https://files.evolink.test/a")
        assert failed == Failed(Failure.UNREACHABLE, "files.evolink.test: no answer in time")


async def test_forbidden_addresses_of_a_name_are_dropped_and_the_good_one_is_used() -> None:
    lookup = names_at(files__evolink__test=["10.0.0.1", "127.0.0.2", "127.0.0.1"])
    async with (
        origin(always(OK)) as good,
        origin(always(OK), address="127.0.0.2", port=good.port) as bad,
        guarded_client(trusted=("127.0.0.1/32",), lookup=lookup) as client,
    ):
        assert await body(client, good.url(host="files.evolink.test")) == (200, b"bytes")
        assert (good.connections, bad.connections) == (1, 0)


async def test_a_name_that_changes_its_address_between_hops_is_judged_again() -> None:
    answers = iter(["127.0.0.1", "127.0.0.2"])

    async def rebinding(name: str, port: int) -> Sequence[Address]:
        return [ip_address(next(answers))]

    go_on = reply(status="302 Found", headers=["Location: /second", "Connection: close"])
    async with (
        origin(then_cut(go_on)) as outer,
        origin(always(OK), address="127.0.0.2", port=outer.port) as inner,
        guarded_client(trusted=("127.0.0.1/32",), lookup=rebinding) as client,
    ):
        failed = await failure(client, outer.url(host="files.evolink.test"))
        assert failed.failure is Failure.REFUSED_ADDRESS
        assert (outer.connections, inner.connections) == (1, 0)


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("https://127.0.0.2:{port}/", Failure.REFUSED_ADDRESS),
        ("https://[::ffff:127.0.0.2]:{port}/", Failure.REFUSED_ADDRESS),
        ("//0x7f000002:{port}/", Failure.REFUSED_ADDRESS),
        ("https://media.evolink.test:{port}/", Failure.REFUSED_ADDRESS),
        ("https://evil.test:{port}/", Failure.REFUSED_HOST),
        ("http://files.evolink.test:{port}/", Failure.REFUSED_ADDRESS),
        ("https://user:pass@files.evolink.test:{port}/", Failure.REFUSED_ADDRESS),
        ("ftp://files.evolink.test/", Failure.REFUSED_ADDRESS),
        ("https://[", Failure.REFUSED_HOST),
        ("https://[::1]x/", Failure.REFUSED_HOST),
        ("https://[@files.evolink.test:{port}/", Failure.REFUSED_HOST),
        ("https://files.evolink.test:99999/", Failure.REFUSED_HOST),
        ("https://files.evolink.test:x/", Failure.REFUSED_HOST),
        ("https://xn--zzzzzz99999.test/", Failure.REFUSED_HOST),
        ("https://256.256.256.256/", Failure.REFUSED_HOST),
        ("javascript:alert(1)", Failure.REFUSED_HOST),
        ("https://files.evolink.test:{port}\\@evil.test/", Failure.REFUSED_HOST),
        ("https://files.ev\u00f6link.test:{port}/", Failure.REFUSED_HOST),
    ],
)
async def test_a_redirect_is_judged_like_a_link(location: str, expected: Failure) -> None:
    lookup = names_at(files__evolink__test=["127.0.0.1"], media__evolink__test=["127.0.0.2"], evil__test=["127.0.0.1"])
    hosts = ("*.evolink.test", "127.0.0.2", str(ip_address("::ffff:7f00:2")))  # Pythons differ in how they write it

    async def handler(request: Request, writer: asyncio.StreamWriter) -> None:
        target = location.format(port=outer.port)
        writer.write(reply(status="307 Temporary Redirect", headers=[f"Location: {target}"]))
        await writer.drain()

    async with (
        origin(handler) as outer,
        origin(always(OK), address="127.0.0.2", port=outer.port) as inner,
        guarded_client(allowed_hosts=hosts, trusted=("127.0.0.1/32",), lookup=lookup) as client,
    ):
        assert (await failure(client, outer.url(host="files.evolink.test"))).failure is expected
        assert (len(outer.requests), inner.connections) == (1, 0)


async def test_what_is_malformed_is_told_without_the_link() -> None:
    async with guarded_client() as client:
        failed = await failure(client, "https://xn--zzzzzz99999.test/")
        assert failed == Failed(Failure.REFUSED_HOST, "the link, or what it redirects to, is malformed")


@pytest.mark.parametrize(
    "status",
    ["301 Moved Permanently", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"],
)
async def test_every_kind_of_redirect_is_followed_with_a_get(status: str) -> None:
    async def handler(request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(reply(status=status, headers=["Location: /second"]) if request.path == "/first" else OK)
        await writer.drain()

    async with origin(handler) as host, guarded_client() as client:
        assert await body(client, host.url("/first")) == (200, b"bytes")
        assert [(request.method, request.path) for request in host.requests] == [("GET", "/first"), ("GET", "/second")]


@pytest.mark.parametrize("status", ["200 OK", "201 Created", "300 Multiple Choices", "305 Use Proxy", "403 Forbidden"])
async def test_a_location_is_followed_in_a_redirect_only(status: str) -> None:
    async with origin(always(OK), address="127.0.0.2") as other:
        answer = reply(b"bytes", status=status, headers=[f"Location: {other.url(host='127.0.0.2')}"])
        async with origin(always(answer)) as host, guarded_client() as client:
            assert await body(client, host.url()) == (int(status[:3]), b"bytes")
            assert (len(host.requests), other.connections) == (1, 0)


async def test_three_redirects_are_followed_and_a_fourth_is_not() -> None:
    hops = {f"/{n}": f"/{n - 1}" for n in range(1, 6)}
    async with origin(redirects(hops, OK)) as host, guarded_client() as client:
        assert await body(client, host.url("/3")) == (200, b"bytes")
        host.requests.clear()
        failed = await failure(client, host.url("/4"))
        assert failed == Failed(Failure.HTTP_STATUS, "127.0.0.1 redirected more than 3 times")
        assert len(host.requests) == 4


async def test_a_redirect_without_a_location_is_an_answer() -> None:
    async with origin(always(reply(status="302 Found"))) as host, guarded_client() as client:
        assert await body(client, host.url()) == (302, b"")


async def test_an_encoded_body_is_a_failure_because_nobody_asked_for_it() -> None:
    answer = reply(b"\x1f\x8b...", headers=["Content-Encoding: gzip"])
    async with origin(always(answer)) as host, guarded_client() as client:
        failed = await failure(client, host.url())
        detail = "127.0.0.1 sent the body gzip-encoded, which was not asked for"
        assert failed == Failed(Failure.NOT_AN_IMAGE, detail)
    for plain in ("identity", " Identity ", ""):
        answer = reply(b"x", headers=[f"Content-Encoding: {plain}"])
        async with origin(always(answer)) as host, guarded_client() as client:
            assert await body(client, host.url()) == (200, b"x")


async def test_of_an_encodings_name_no_more_is_told_than_a_person_needs() -> None:
    answer = reply(b"x", headers=[f"Content-Encoding: {'z' * 999}"])
    async with origin(always(answer)) as host, guarded_client() as client:
        failed = await failure(client, host.url())
    assert failed.detail == f"127.0.0.1 sent the body {'z' * 20}-encoded, which was not asked for"


async def test_a_body_that_breaks_off_is_truncated() -> None:
    async with origin(then_cut(reply(b"half", length=10))) as host, guarded_client() as client:
        assert await failure(client, host.url()) == Failed(Failure.TRUNCATED, "127.0.0.1 broke off inside the body")


async def test_a_certificate_for_another_name_is_not_accepted() -> None:
    lookup = names_at(files__evolink__test=["127.0.0.1"])
    async with (
        origin(always(OK), names=("evil.test",)) as host,
        guarded_client(lookup=lookup) as client,
    ):
        failed = await failure(client, host.url(host="files.evolink.test"))
        assert failed.failure is Failure.UNREACHABLE
        assert "TLS failed: Hostname mismatch" in failed.detail
        assert host.requests == []


async def test_a_certificate_of_an_unknown_authority_is_not_accepted() -> None:
    async with origin(always(OK)) as host, guarded_client(tls=tls_context(None)) as client:
        failed = await failure(client, host.url())
        assert failed.failure is Failure.UNREACHABLE
        assert "TLS failed" in failed.detail
        assert host.requests == []


async def test_a_connection_is_used_again_for_the_same_host_only() -> None:
    lookup = names_at(files__evolink__test=["127.0.0.1"], media__evolink__test=["127.0.0.1"])
    async with origin(always(OK)) as host, guarded_client(lookup=lookup) as client:
        for _ in range(3):
            await body(client, host.url(host="files.evolink.test"))
        assert host.connections == 1
        await body(client, host.url(host="media.evolink.test"))
        assert host.connections == 2


async def test_a_connection_with_an_unread_body_is_not_used_again() -> None:
    async with origin(always(reply(b"x" * 2_000_000))) as host, guarded_client() as client:
        for _ in range(2):
            async with client.get(host.url()) as answer:
                assert answer.status == 200
        assert host.connections == 2


async def test_no_more_connections_are_opened_than_the_pool_holds() -> None:
    open_now = most = 0

    async def handler(_: Request, writer: asyncio.StreamWriter) -> None:
        nonlocal open_now, most
        open_now += 1
        most = max(most, open_now)
        await asyncio.sleep(0.02)
        open_now -= 1
        writer.write(OK)

    async with origin(handler) as host, guarded_client() as client:
        await asyncio.gather(*(body(client, host.url()) for _ in range(12)))
        assert most == host.connections == 4


async def test_a_host_that_says_nothing_is_given_up_after_the_read_timeout() -> None:
    async def silent(_: Request, writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async with origin(silent) as host, guarded_client(timeouts=Timeouts(connect=5, read=0.1)) as client:
        assert await failure(client, host.url()) == Failed(Failure.UNREACHABLE, "127.0.0.1: no answer in time")


async def test_a_host_that_never_finishes_the_handshake_is_given_up_after_the_connect_timeout() -> None:
    async with origin(always(OK), mute=True) as host, guarded_client(timeouts=Timeouts(connect=0.1, read=5)) as client:
        assert await failure(client, host.url()) == Failed(Failure.UNREACHABLE, "127.0.0.1: no answer in time")
        assert host.connections == 1


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        (b"not HTTP at all\r\n\r\n", "the answer is not HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "the answer is not HTTP"),
        (b"", "the connection was lost"),
    ],
)
async def test_what_is_not_http_is_unreachable(answer: bytes, what: str) -> None:
    async with origin(then_cut(answer)) as host, guarded_client() as client:
        assert await failure(client, host.url()) == Failed(Failure.UNREACHABLE, f"127.0.0.1: {what}")


async def test_a_refused_connection_is_unreachable() -> None:
    async with origin(always(OK)) as host, guarded_client() as client:
        closed = host.url()
    async with guarded_client() as client:
        failed = await failure(client, closed)
        assert failed.failure is Failure.UNREACHABLE
        assert failed.detail.startswith("127.0.0.1: cannot connect: Connect call failed")


async def test_a_host_that_speaks_no_tls_is_told_apart_from_one_that_is_away() -> None:
    async def plain(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(plain, "127.0.0.1", 0) as server, guarded_client() as client:
        failed = await failure(client, f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
    assert failed.failure is Failure.UNREACHABLE
    assert failed.detail.startswith("127.0.0.1: TLS failed: ")
    assert not failed.detail.endswith("broken off")
