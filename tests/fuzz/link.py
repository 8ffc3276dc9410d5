"""Links that somebody else names: what their text forbids, and which addresses of their names are connected to."""

import asyncio
import atexit
import ssl
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address

from yarl import URL

from service.domain.attempt import Failed
from service.domain.link import identity, refusal
from service.outbound.address_policy import Address, AddressPolicy
from service.outbound.connector import AddressRefusedError, GuardedResolver
from service.outbound.guard import Guard
from service.outbound.target import Target
from service.submission.urls import IMAGE_TYPES, CallbackRule, image_url_problem
from tests.fuzz.pieces import Pieces
from tests.fuzz.storable import must_be_storable

HOSTS = ("*.evolink.ai", "exact.example", "93.184.215.14", "*")
ADDRESSES = ("127.0.0.1", "10.0.0.1", "169.254.169.254", "93.184.215.14", "2606:2800:21f::1", "::ffff:7f00:1")
RUNNER = asyncio.Runner()
atexit.register(RUNNER.close)
TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
MOST_HOSTS = 3
"""So that each of the patterns is tried alone and with those before it."""


def seeds() -> Iterator[bytes]:
    literals = [f"[{text}]" if ":" in text else text for text in ADDRESSES]
    for host in ("files.evolink.ai", "EXACT.example.", "user:secret@h.example:443", "①②⑦.0.0.1", "0x7f.1", *literals):
        for number in range(MOST_HOSTS + 1):
            yield bytes([number, 4]) + ip_address(ADDRESSES[number]).packed + f"https://{host}/a/b.png?c=d#e".encode()
    for text in ADDRESSES:
        packed = ip_address(text).packed
        yield bytes([3, len(packed)]) + packed + b"https://name.example:8443/%20\xc3\xa4"


def check(data: bytes) -> None:
    pieces = Pieces(data)
    hosts = HOSTS[: pieces.number(MOST_HOSTS) + 1]
    address: Address = (
        IPv6Address(pieces.number(2**128 - 1)) if pieces.number(16) > 4 else IPv4Address(pieces.number(2**32 - 1))
    )
    link = pieces.rest().decode("utf-8", "surrogateescape")
    asked: list[str] = []

    async def lookup(name: str, _port: int) -> list[Address]:
        asked.append(name)
        return [address]

    guard = Guard(AddressPolicy(), TLS, 1, 1, 1, None, lookup)
    target = guard.judged(link, hosts)
    if isinstance(target, Failed):
        must_be_storable(target.detail)
    else:
        _judged(target, link, hosts)
        resolver = GuardedResolver(policy=guard.policy, lookup=lookup, patience=1)
        _resolved(RUNNER, resolver, target, address)
    assert asked == ([] if isinstance(target, Failed) or target.address is not None else [target.host])
    identity(link)
    for problem in (CallbackRule().problem(link), image_url_problem(link, IMAGE_TYPES)):
        if problem is not None:
            must_be_storable(problem)


def _judged(target: Target, link: str, hosts: tuple[str, ...]) -> None:
    """The host is on the list, and no second reader sees another one."""
    assert "*" in hosts or target.host.endswith(".evolink.ai") or target.host in hosts
    assert refusal(link.strip(), hosts) is None, "the ledger refuses what the guard lets pass"
    assert target.path_and_query.isascii()
    assert not any(one <= " " or one == "\x7f" for one in target.url)
    url = URL(target.url, encoded=True)
    assert (url.scheme, url.raw_host, url.port, url.user) == ("https", target.host, target.port, None)
    assert url.raw_path_qs == target.path_and_query
    if target.address is not None:
        assert target.port == 443
        assert _is_public(target.address)


def _resolved(runner: asyncio.Runner, resolver: GuardedResolver, target: Target, address: Address) -> None:
    """A name leads to public addresses at the usual port and to no others."""
    if target.address is not None:
        return
    try:
        found = runner.run(resolver.resolve(target.host, target.port))
    except AddressRefusedError:
        return
    assert [one["host"] for one in found] == [str(address)]
    assert _is_public(address)
    assert target.port == 443


def _is_public(address: Address) -> bool:
    """As the standard library has it, also of an IPv4 address that is wrapped."""
    wrapped = None
    if isinstance(address, IPv6Address):
        nat64 = IPv4Address(int(address) & 0xFFFF_FFFF) if int(address) >> 32 == 0x64_FF9B << 64 else None
        wrapped = address.ipv4_mapped or address.sixtofour or nat64
    one = wrapped or address
    return one.is_global and not one.is_multicast and not one.is_private and not one.is_link_local
