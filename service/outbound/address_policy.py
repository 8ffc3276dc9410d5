"""Which addresses may be connected to: public ones at port 443, and trusted networks. Pure: no names, no sockets.

The tables are spelt out with their sources, because `ipaddress.is_global` says yes to NAT64, 6to4, IPv4-compatible and
ISATAP forms of private addresses and changes with each Python version; it only stands behind them as a second wall.
A network's own NAT64 prefix (RFC 6052 section 2.2) looks like any public address and cannot be recognised here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

HTTPS_PORT = 443

FORBIDDEN: Mapping[str, str] = {
    # IPv4; IANA special-purpose registry (RFC 6890) and the multicast and reserved blocks
    "0.0.0.0/8": "an address of this network (RFC 791)",
    "10.0.0.0/8": "a private address (RFC 1918)",
    "100.64.0.0/10": "a shared carrier address (RFC 6598)",
    "127.0.0.0/8": "a loopback address (RFC 1122)",
    "168.63.129.16/32": "the host of a virtual machine at Azure, public only by its number",
    "169.254.0.0/16": "a link-local address (RFC 3927), where clouds keep their metadata",
    "172.16.0.0/12": "a private address (RFC 1918)",
    "192.0.0.0/24": "an address for protocols (RFC 6890), where Oracle's cloud keeps its metadata",
    "192.0.2.0/24": "a documentation address (RFC 5737)",
    "192.31.196.0/24": "an AS112 sink, answered by the nearest network (RFC 7535)",
    "192.52.193.0/24": "a multicast relay, answered by the nearest network (RFC 7450)",
    "192.88.99.0/24": "a 6to4 relay, answered by the nearest network (RFC 7526)",
    "192.168.0.0/16": "a private address (RFC 1918)",
    "192.175.48.0/24": "an AS112 sink, answered by the nearest network (RFC 7534)",
    "198.18.0.0/15": "a benchmarking address (RFC 2544)",
    "198.51.100.0/24": "a documentation address (RFC 5737)",
    "203.0.113.0/24": "a documentation address (RFC 5737)",
    "224.0.0.0/4": "a multicast address (RFC 5771)",
    "240.0.0.0/4": "a reserved or broadcast address (RFC 1112, RFC 919)",
    # IPv6; forms that carry an IPv4 address and that no public host has are refused whatever they carry
    "::/128": "the unspecified address (RFC 4291)",
    "::1/128": "the loopback address (RFC 4291)",
    "::/96": "an IPv4-compatible address (RFC 4291), given up",
    "::ffff:0:0:0/96": "an IPv4-translated address (RFC 2765), given up",
    "64:ff9b:1::/48": "a local NAT64 address (RFC 8215)",
    "100::/64": "a discard-only address (RFC 6666)",
    "100:0:0:1::/64": "a dummy address (RFC 9780)",
    "2001::/32": "a Teredo address (RFC 4380), given up",
    "2001:2::/48": "a benchmarking address (RFC 5180)",
    "2001:10::/28": "an ORCHID, not routed (RFC 4843)",
    "2001:20::/28": "an ORCHID, not routed (RFC 7343)",
    "2001::/23": "an address for protocols (RFC 2928)",
    "2001:db8::/32": "a documentation address (RFC 3849)",
    "2002::/16": "a 6to4 address (RFC 3056), given up by RFC 7526",
    "2620:4f:8000::/48": "an AS112 sink, answered by the nearest network (RFC 7534)",
    "3ffe::/16": "an address of the ended 6bone (RFC 3701)",
    "3fff::/20": "a documentation address (RFC 9637)",
    "5f00::/16": "a segment routing identifier (RFC 9602)",
    "fc00::/7": "a unique local address (RFC 4193), where clouds keep their metadata too",
    "fe80::/10": "a link-local address (RFC 4291)",
    "fec0::/10": "a site-local address (RFC 3879)",
    "ff00::/8": "a multicast address (RFC 4291)",
}
"""What each refused block is, most specific first where blocks overlap."""

_FORBIDDEN: tuple[tuple[Network, str], ...] = tuple((ip_network(block), what) for block, what in FORBIDDEN.items())
_GLOBAL_UNICAST = IPv6Network("2000::/3")  # RFC 4291 section 2.4; nothing else is allocated for it
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052 section 2.1; how hosts with IPv6 alone reach the rest
_ISATAP = (0x0000_5EFE, 0x0200_5EFE)  # RFC 5214 section 6.1: the upper half of the interface identifier


@dataclass(frozen=True, slots=True)
class Allowed:
    """The address may be connected to."""


@dataclass(frozen=True, slots=True)
class Forbidden:
    """The address may not be connected to; `reason` is one short sentence for people."""

    reason: str


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """Judges addresses. In a trusted network any port is allowed, and nothing else is asked.

    `any_port` is for where something is sent that its owner has asked for: a port of theirs harms nobody else.

    Trust counts for the address connected to, as it is written: `::ffff:10.0.0.1` and `64:ff9b::a00:1` are not in a
    trusted 10.0.0.0/8, because who operates a network lists its addresses and has no reason to disguise them.
    """

    trusted_networks: tuple[Network, ...] = ()
    any_port: bool = False

    def verdict(self, address: Address, port: int) -> Allowed | Forbidden:
        """Whether a connection to this address and port may be made."""
        if isinstance(address, IPv6Address) and address.scope_id is not None:
            return Forbidden(f"{address} belongs to one link of one machine (RFC 4007)")
        if any(address in network for network in self.trusted_networks):
            return Allowed()
        why = _why_not_public(address)
        if why is not None:
            return Forbidden(f"{address} is {why}")
        return self.verdict_of_port(port)

    def verdict_of_port(self, port: int) -> Allowed | Forbidden:
        """Whether it may be this port, where the address is public or not known."""
        return Allowed() if self.any_port or port == HTTPS_PORT else Forbidden(f"port {port} is not {HTTPS_PORT}")


def _why_not_public(address: Address) -> str | None:
    for block, what in _FORBIDDEN:
        if address in block:
            return what
    carried = carried_address(address) if isinstance(address, IPv6Address) else None
    if carried is not None:
        why = _why_not_public(carried)
        if why is not None:
            return f"another form of {carried}, {why}"
    elif isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return "not a global unicast address (RFC 4291)"
    if not (carried or address).is_global:
        return "not globally reachable"
    return None


def carried_address(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address inside one of the forms that can lead to a public host: mapped, NAT64, ISATAP."""
    number = int(address)
    is_isatap = (number >> 32) & 0xFFFF_FFFF in _ISATAP and address in _GLOBAL_UNICAST
    if address.ipv4_mapped is not None or address in _NAT64 or is_isatap:
        return IPv4Address(number & 0xFFFF_FFFF)
    return None
