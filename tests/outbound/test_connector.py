"""The two walls below every connection, without the client above them."""

import asyncio
import socket
from collections.abc import Sequence
from ipaddress import ip_address, ip_network

import aiohttp
import pytest

from service.domain.attempt import Failure
from service.outbound.address_policy import Address, AddressPolicy
from service.outbound.connector import (
    AddressRefusedError,
    GuardedResolver,
    Lookup,
    guarded_connector,
    guarded_sockets,
    system_lookup,
)
from service.outbound.failure import failed_request
from tests.outbound.origin import always, names_at, no_names, origin, reply, trusting_tls

PUBLIC_ONLY = AddressPolicy()


def _resolver(lookup: Lookup, policy: AddressPolicy = PUBLIC_ONLY, patience: float = 5) -> GuardedResolver:
    return GuardedResolver(policy=policy, lookup=lookup, patience=patience)


async def test_a_names_forbidden_addresses_are_dropped_and_all_the_good_ones_kept_in_order() -> None:
    lookup = names_at(files=["10.0.0.1", "2606:4700::1", "::1", "1.1.1.1", "64:ff9b::7f00:1", "1.1.1.1"])
    found = await _resolver(lookup).resolve("files", 443)
    flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV  # nobody is to look up what was judged
    same = {"hostname": "files", "port": 443, "proto": 0, "flags": flags}
    assert found == [
        {**same, "host": "2606:4700::1", "family": socket.AF_INET6},
        {**same, "host": "1.1.1.1", "family": socket.AF_INET},
    ]


async def test_the_name_and_the_port_are_asked_for_as_they_are() -> None:
    asked: list[tuple[str, int]] = []

    async def lookup(name: str, port: int) -> Sequence[Address]:
        asked.append((name, port))
        return [ip_address("1.1.1.1")]

    await _resolver(lookup).resolve("files", 443)
    assert asked == [("files", 443)]


async def test_without_a_port_no_address_is_allowed() -> None:
    with pytest.raises(AddressRefusedError, match="port 0 is not 443"):
        await _resolver(names_at(files=["1.1.1.1"])).resolve("files")


async def test_a_name_with_no_allowed_address_is_refused_with_the_reason() -> None:
    with pytest.raises(AddressRefusedError, match=r"127\.0\.0\.1 is a loopback address"):
        await _resolver(names_at(files=["127.0.0.1", "10.0.0.1"])).resolve("files", 443)
    with pytest.raises(AddressRefusedError, match="port 8443 is not 443"):
        await _resolver(names_at(files=["1.1.1.1"])).resolve("files", 8443)


async def test_a_name_without_addresses_is_not_refused_but_unknown() -> None:
    with pytest.raises(OSError, match=r"^the name has no address$") as caught:
        await _resolver(names_at(files=[])).resolve("files", 443)
    assert not isinstance(caught.value, AddressRefusedError)


async def test_a_look_up_that_hangs_is_given_up() -> None:
    async def hangs(name: str, port: int) -> Sequence[Address]:
        await asyncio.Event().wait()
        return []

    with pytest.raises(TimeoutError):
        await _resolver(hangs, patience=0.05).resolve("files", 443)


async def test_a_connection_whose_name_is_looked_up_for_too_long_is_given_up() -> None:
    async def hangs(name: str, port: int) -> Sequence[Address]:
        await asyncio.Event().wait()
        return []

    connector = guarded_connector(
        policy=PUBLIC_ONLY, tls=trusting_tls(), lookup=hangs, patience=0.05, max_connections=1
    )
    async with aiohttp.ClientSession(connector=connector) as session, asyncio.timeout(20):
        with pytest.raises(aiohttp.ConnectionTimeoutError):
            await session.get("https://files.evolink.test/")


async def test_the_systems_names_are_looked_up() -> None:
    assert await system_lookup("127.0.0.2", 443) == [ip_address("127.0.0.2")]


@pytest.mark.parametrize("text", ["127.0.0.1", "169.254.169.254", "::1", "64:ff9b::7f00:1", "fe80::1%1", "no address"])
def test_no_socket_is_made_for_a_forbidden_address(text: str) -> None:
    make = guarded_sockets(PUBLIC_ONLY)
    with pytest.raises(AddressRefusedError):
        make((socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (text, 443)))


@pytest.mark.parametrize(
    ("where", "reason"),
    [
        (("1.1.1.1", 80), "port 80 is not 443"),
        (("2606:4700::1", 8443, 0, 0), "port 8443 is not 443"),
        (("files", 443), "what was to be connected to is no address"),
    ],
)
def test_no_socket_is_made_for_a_forbidden_port_or_a_name(where: tuple[str, int], reason: str) -> None:
    make = guarded_sockets(PUBLIC_ONLY)
    with pytest.raises(AddressRefusedError) as caught:
        make((socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", where))
    assert caught.value.reason == reason


def test_a_socket_is_made_for_an_allowed_address() -> None:
    make = guarded_sockets(PUBLIC_ONLY)
    with make((socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("1.1.1.1", 443))) as made:
        assert (made.family, made.type, made.proto) == (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)


async def test_a_literal_that_reaches_the_library_unjudged_is_stopped_at_the_socket_and_keeps_its_reason() -> None:
    async with origin(always(reply(b"inner"))) as inner:
        connector = guarded_connector(
            policy=PUBLIC_ONLY, tls=trusting_tls(), lookup=no_names, patience=5, max_connections=1
        )
        async with aiohttp.ClientSession(connector=connector) as session:
            with pytest.raises(aiohttp.ClientError) as caught:
                await session.get(inner.url())
        failed = failed_request(caught.value, "127.0.0.1")
        assert failed.failure is Failure.REFUSED_ADDRESS
        assert "loopback" in failed.detail
        assert inner.connections == 0


async def test_the_next_address_is_tried_when_the_first_does_not_answer() -> None:
    policy = AddressPolicy((ip_network("127.0.0.0/8"), ip_network("::1/128")))
    async with origin(always(reply(b"ok"))) as host:
        lookup = names_at(localhost=["10.0.0.1", "::1", "127.0.0.2", "127.0.0.1"])
        connector = guarded_connector(policy=policy, tls=trusting_tls(), lookup=lookup, patience=5, max_connections=1)
        async with (
            aiohttp.ClientSession(connector=connector) as session,
            session.get(host.url(host="localhost")) as response,
        ):
            assert await response.read() == b"ok"
        assert host.connections == 1
