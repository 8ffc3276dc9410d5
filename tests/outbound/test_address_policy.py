"""The address table: what is public, what hides inside IPv6, and what trust means."""

from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.outbound.address_policy import FORBIDDEN, AddressPolicy, Allowed, Forbidden

PUBLIC_ONLY = AddressPolicy()

PUBLIC = """
1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.1 169.253.255.255
169.255.0.0 172.15.255.255 172.32.0.0 192.0.1.0 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0
198.51.99.255 203.0.114.0 223.255.255.255 168.63.129.15
2001:4860:4860::8888 2606:4700:4700::1111 2a00:1450::1 2001:200::1 2400:cb00::1
::ffff:8.8.8.8 64:ff9b::808:808 2606:4700::5efe:808:808 2606:4700::200:5efe:808:808
"""

FORBIDDEN_ADDRESSES = """
0.0.0.0 0.0.0.1 0.255.255.255 10.0.0.1 10.255.255.255 100.64.0.1 100.100.100.200 100.127.255.255 127.0.0.1
127.1.2.3 127.255.255.255 168.63.129.16 169.254.0.1 169.254.169.254 169.254.170.2 172.16.0.1 172.31.255.255
192.0.0.1 192.0.0.192 192.0.0.255 192.0.2.1 192.88.99.1 192.168.0.1 192.168.255.255 198.18.0.1 198.19.255.255
198.51.100.7 203.0.113.9 224.0.0.1 233.252.0.1 239.255.255.250 240.0.0.1 254.1.1.1 255.255.255.255
:: ::1 ::2 ::7f00:1 ::808:808 ::ffff:127.0.0.1 ::ffff:169.254.169.254 ::ffff:0:127.0.0.1 ::ffff:0:8.8.8.8
64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 64:ff9b::c0a8:1 64:ff9b:1::7f00:1 64:ff9b:1:7f00:0:100:: 64:ff9b:1::808:808
100::1 100:0:0:1::1 1000::1 2001::1 2001:0:a9fe:a9fe:: 2001:0:808:808:0:0:8101:fefe 2001:2::1 2001:10::1
2001:20::1 2001:1::1 2001:db8::1 2002:7f00:1:: 2002:a9fe:a9fe::1 2002:808:808::1 2620:4f:8000::1 3ffe::1
3fff::1 4000::1 5f00::1 fc00::1 fd00::1 fd00:ec2::254 fe80::1 fe80::5efe:a00:1 fe80::1%eth0 feb0::1 fec0::1
feff::1 ff02::1 ff0e::1 2606:4700::5efe:a00:1 2606:4700::200:5efe:7f00:1
"""


@pytest.mark.parametrize("text", PUBLIC.split())
def test_a_public_address_is_allowed_at_port_443_only(text: str) -> None:
    assert PUBLIC_ONLY.verdict(ip_address(text), 443) == Allowed()
    for port in (0, 80, 444, 8443):
        assert PUBLIC_ONLY.verdict(ip_address(text), port) == Forbidden(f"port {port} is not 443")


@pytest.mark.parametrize("text", FORBIDDEN_ADDRESSES.split())
def test_an_address_that_is_not_public_is_forbidden_with_a_reason(text: str) -> None:
    verdict = PUBLIC_ONLY.verdict(ip_address(text), 443)
    assert isinstance(verdict, Forbidden)
    assert verdict.reason.startswith(f"{ip_address(text)} ")


@pytest.mark.parametrize("block", FORBIDDEN)
def test_a_forbidden_block_is_forbidden_from_end_to_end(block: str) -> None:
    network = ip_network(block)
    for address in (network[0], network[-1]):
        assert isinstance(PUBLIC_ONLY.verdict(address, 443), Forbidden)


def test_the_reason_names_what_an_address_hides() -> None:
    elsewhere = PUBLIC_ONLY.verdict(ip_address("4000::1"), 443)
    assert elsewhere == Forbidden("4000::1 is not a global unicast address (RFC 4291)")
    verdict = PUBLIC_ONLY.verdict(ip_address("64:ff9b::7f00:1"), 443)
    assert verdict == Forbidden("64:ff9b::7f00:1 is another form of 127.0.0.1, a loopback address (RFC 1122)")


def _embedded(prefix: str, shift: int = 0) -> Callable[[IPv4Address], IPv6Address]:
    return lambda inner: IPv6Address(int(IPv6Address(prefix)) | int(inner) << shift)


def _local_nat64(prefix_length: int) -> Callable[[IPv4Address], IPv6Address]:
    """RFC 6052 section 2.2: the address goes around byte 8, which stays zero."""

    def embed(inner: IPv4Address) -> IPv6Address:
        body = bytearray(IPv6Address("64:ff9b:1::").packed)
        places = [place for place in range(prefix_length // 8, 16) if place != 8]
        for place, byte in zip(places, inner.packed, strict=False):
            body[place] = byte
        return IPv6Address(bytes(body))

    return embed


EMBEDDINGS: dict[str, Callable[[IPv4Address], IPv6Address]] = {
    "mapped": _embedded("::ffff:0:0"),
    "translated": _embedded("::ffff:0:0:0"),
    "compatible": _embedded("::"),
    "NAT64": _embedded("64:ff9b::"),
    **{f"local NAT64 /{length}": _local_nat64(length) for length in (48, 56, 64, 96)},
    "6to4": _embedded("2002::1", 80),
    "Teredo server": _embedded("2001::", 64),
    "Teredo client": lambda inner: _embedded("2001:0:808:808::")(IPv4Address(int(inner) ^ 0xFFFF_FFFF)),
    "ISATAP": _embedded("2606:4700::5efe:0:0"),
    "ISATAP, unique": _embedded("2606:4700::200:5efe:0:0"),
    "ISATAP, link-local": _embedded("fe80::5efe:0:0"),
}
BLOCKS = [network for network in map(ip_network, FORBIDDEN) if isinstance(network, IPv4Network)]


@given(
    block=st.sampled_from(BLOCKS), offset=st.integers(min_value=0, max_value=2**32), form=st.sampled_from([*EMBEDDINGS])
)
@example(block=IPv4Network("169.254.0.0/16"), offset=0xA9FE, form="NAT64")
def test_no_form_of_a_forbidden_ipv4_address_is_allowed(block: IPv4Network, offset: int, form: str) -> None:
    inner = block[offset % block.num_addresses]
    assert isinstance(PUBLIC_ONLY.verdict(inner, 443), Forbidden)
    assert isinstance(PUBLIC_ONLY.verdict(EMBEDDINGS[form](inner), 443), Forbidden)


@given(st.ip_addresses(v=6) | st.ip_addresses(v=4))
def test_what_is_allowed_is_global_by_the_standard_library_too(address: IPv4Address | IPv6Address) -> None:
    verdict = PUBLIC_ONLY.verdict(address, 443)
    if isinstance(verdict, Allowed):
        assert address.is_global
        assert not address.is_multicast


def test_a_trusted_network_is_exempt_at_any_port() -> None:
    policy = AddressPolicy((ip_network("10.1.0.0/16"), ip_network("fd00:1::/32")))
    for text in ("10.1.2.3", "fd00:1::5"):
        for port in (80, 443, 9000):
            assert policy.verdict(ip_address(text), port) == Allowed()
    for text in ("10.2.0.1", "fd00:2::5", "127.0.0.1"):
        assert isinstance(policy.verdict(ip_address(text), 443), Forbidden)


@pytest.mark.parametrize("text", FORBIDDEN_ADDRESSES.split())
def test_where_any_port_is_allowed_no_other_address_is(text: str) -> None:
    policy = AddressPolicy(any_port=True)
    for port in (22, 443, 8443):
        assert policy.verdict(ip_address("1.1.1.1"), port) == Allowed()
        assert isinstance(policy.verdict(ip_address(text), port), Forbidden)


@pytest.mark.parametrize("form", EMBEDDINGS)
def test_trust_in_an_ipv4_network_does_not_reach_other_forms_of_it(form: str) -> None:
    policy = AddressPolicy((ip_network("10.0.0.0/8"),))
    assert isinstance(policy.verdict(EMBEDDINGS[form](IPv4Address("10.0.0.1")), 443), Forbidden)


def test_a_zone_is_forbidden_even_in_a_trusted_network() -> None:
    policy = AddressPolicy((ip_network("fe80::/10"),))
    assert policy.verdict(ip_address("fe80::1"), 443) == Allowed()
    assert isinstance(policy.verdict(ip_address("fe80::1%eth0"), 443), Forbidden)
