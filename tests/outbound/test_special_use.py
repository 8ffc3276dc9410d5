"""Every block of IANA's special-purpose registries, in every way to write or hide it: nothing is ever connected to.

The blocks are written down from the registries here, not taken from the policy, and connections are counted where
Python makes them.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address, IPv6Address, ip_network

import pytest

from service.domain.attempt import Failure
from tests.outbound.origin import always, body, failure, guarded_client, names_at, origin, redirects, reply

IPV4 = """
0.0.0.0/8 0.0.0.0/32 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.0.0/29
192.0.0.8/32 192.0.0.9/32 192.0.0.10/32 192.0.0.170/32 192.0.0.171/32 192.0.2.0/24 192.31.196.0/24 192.52.193.0/24
192.88.99.0/24 192.168.0.0/16 192.175.48.0/24 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4
255.255.255.255/32
"""

IPV6 = """
::1/128 ::/128 ::ffff:0:0/120 64:ff9b:1::/48 100::/64 100:0:0:1::/64 2001::/23 2001::/32 2001:1::1/128
2001:1::2/128 2001:1::3/128 2001:2::/48 2001:3::/32 2001:4:112::/48 2001:10::/28 2001:20::/28 2001:30::/28
2001:db8::/32 2002::/16 2620:4f:8000::/48 3fff::/20 5f00::/16 fc00::/7 fe80::/10 fec0::/10 ff00::/8
"""

FULL_WIDTH = str.maketrans("0123456789.", "\uff10\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18\uff19\uff0e")
IN_CIRCLES = str.maketrans("0123456789", "\u24ea\u2460\u2461\u2462\u2463\u2464\u2465\u2466\u2467\u2468")


def _parts(address: IPv4Address) -> tuple[int, int, int, int]:
    a, b, c, d = address.packed
    return a, b, c, d


WRITTEN: dict[str, Callable[[IPv4Address], str]] = {
    "as usual": str,
    "with a dot behind": lambda it: f"{it}.",
    "one number": lambda it: str(int(it)),
    "one hexadecimal number": lambda it: hex(int(it)),
    "in capitals": lambda it: f"0X{int(it):08X}",
    "one octal number": lambda it: f"0{int(it):o}",
    "octal": lambda it: ".".join(f"0{part:o}" for part in _parts(it)),
    "octal with many zeros": lambda it: ".".join(f"{part:012o}" for part in _parts(it)),
    "hexadecimal": lambda it: ".".join(map(hex, _parts(it))),
    "mixed": lambda it: "{:#x}.{}.0{:o}.{}".format(*_parts(it)),
    "two parts": lambda it: f"{_parts(it)[0]}.{int(it) & 0xFFFFFF}",
    "three parts": lambda it: f"{_parts(it)[0]}.{_parts(it)[1]}.{int(it) & 0xFFFF}",
    "more than 32 bits": lambda it: str(int(it) + 2**32),
    "full width": lambda it: str(it).translate(FULL_WIDTH),
    "in circles": lambda it: str(it).translate(IN_CIRCLES),
    "with ideographic stops": lambda it: str(it).replace(".", "\u3002"),
    "percent": lambda it: "".join(f"%{ord(char):02x}" for char in str(it)),
    "behind a name": lambda it: f"files.example@{it}",
    "mapped": lambda it: f"[::ffff:{it}]",
    "mapped in hexadecimal": lambda it: f"[{IPv6Address(0xFFFF << 32 | int(it))}]",
    "written out": lambda it: f"[0000:0000:0000:0000:0000:FFFF:{int(it) >> 16:04X}:{int(it) & 0xFFFF:04X}]",
    "translated": lambda it: f"[::ffff:0:{it}]",
    "compatible": lambda it: f"[::{it}]",
    "NAT64": lambda it: f"[64:ff9b::{it}]",
    "local NAT64": lambda it: f"[64:ff9b:1::{it}]",
    "6to4": lambda it: f"[2002:{int(it) >> 16:x}:{int(it) & 0xFFFF:x}::1]",
    "Teredo": lambda it: f"[2001:0:{int(it) >> 16:x}:{int(it) & 0xFFFF:x}::]",
    "ISATAP": lambda it: f"[2606:4700::5efe:{it}]",
    "with a zone": lambda it: f"[::ffff:{it}%25eth0]",
}


@contextmanager
def connections() -> Iterator[list[object]]:
    """Where Python connects to meanwhile, whoever does it."""
    made: list[object] = []
    _counting.append(made)
    try:
        yield made
    finally:
        _counting.remove(made)


_counting: list[list[object]] = []


def _count(event: str, arguments: tuple[object, ...]) -> None:
    if event == "socket.connect":
        for made in _counting:
            made.append(arguments[1])


sys.addaudithook(_count)


def ends(blocks: str) -> list[str]:
    """The first and last address of each."""
    return list(dict.fromkeys(str(ip_network(block)[which]) for block in blocks.split() for which in (0, -1)))


async def test_a_connection_is_counted() -> None:
    async with origin(always(reply(b"bytes"))) as host, guarded_client() as client:
        with connections() as made:
            assert await body(client, host.url()) == (200, b"bytes")
    assert made == [("127.0.0.1", host.port)]


@pytest.mark.parametrize("written", WRITTEN)
async def test_no_special_ipv4_address_is_connected_to_however_it_is_written(written: str) -> None:
    async with guarded_client(trusted=()) as client:
        with connections() as made:
            for address in ends(IPV4):
                host = WRITTEN[written](IPv4Address(address))
                outcome = await failure(client, f"https://{host}/a.png")
                assert outcome.failure in (Failure.REFUSED_ADDRESS, Failure.REFUSED_HOST), host
    assert made == []


@pytest.mark.parametrize("zone", ["", "%25eth0", "%251", "%eth0"])
async def test_no_special_ipv6_address_is_connected_to(zone: str) -> None:
    async with guarded_client(trusted=()) as client:
        with connections() as made:
            for address in ends(IPV6):
                for host in (address, IPv6Address(address).exploded.upper()):
                    outcome = await failure(client, f"https://[{host}{zone}]/a.png")
                    assert outcome.failure in (Failure.REFUSED_ADDRESS, Failure.REFUSED_HOST), host
    assert made == []


async def test_a_name_that_leads_to_a_special_address_is_not_connected_to() -> None:
    for address in [*ends(IPV4), *ends(IPV6)]:
        async with guarded_client(trusted=(), lookup=names_at(files__example=[address])) as client:
            with connections() as made:
                outcome = await failure(client, "https://files.example/a.png")
            assert outcome.failure is Failure.REFUSED_ADDRESS, address
            assert made == []


async def test_a_redirect_to_a_special_address_is_not_followed() -> None:
    places = [*ends(IPV4), *(f"[{address}]" for address in ends(IPV6)), "0x7f000001", "017700000001", "2130706433"]
    away = {f"/{number}": f"https://{place}/a.png" for number, place in enumerate(places) if place != "127.0.0.1"}
    async with (
        origin(redirects(away, reply(b"bytes"))) as host,
        guarded_client(trusted=("127.0.0.1/32",)) as client,
    ):
        for path, place in away.items():
            with connections() as made:
                outcome = await failure(client, host.url(path))
            assert outcome.failure is Failure.REFUSED_ADDRESS, place
            assert set(made) <= {("127.0.0.1", host.port)}
