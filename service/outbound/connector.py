"""Connections to addresses that the policy allows and to no others: aiohttp's connector with two walls.

Names are looked up afresh for each connection and their forbidden addresses dropped; and every address, literals
included, which aiohttp connects to without asking its resolver, is judged again when its socket is made.
Redirects, hosts and schemes are not its business.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import ip_address

from aiohttp import TCPConnector
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.connector import AddrInfoType, SocketFactoryType

from service.outbound.address_policy import Address, AddressPolicy, Allowed, Forbidden

Lookup = Callable[[str, int], Awaitable[Sequence[Address]]]
"""(name, port) → its addresses, best first; raises OSError when there are none."""


class AddressRefusedError(OSError):
    """The policy forbids the address; an OSError so that aiohttp carries it as the cause of its own error."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


async def system_lookup(name: str, port: int) -> Sequence[Address]:
    """Addresses as the system's resolver gives them."""
    found = await asyncio.get_running_loop().getaddrinfo(name, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return [ip_address(where[0]) for *_, where in found]


class GuardedResolver(AbstractResolver):
    """Looks names up and keeps the whole set of their allowed addresses; `patience` in seconds bounds a look-up."""

    def __init__(self, *, policy: AddressPolicy, lookup: Lookup, patience: float) -> None:
        self._policy = policy
        self._lookup = lookup
        self._patience = patience

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_UNSPEC,  # noqa: ARG002 - aiohttp's signature; both families are kept
    ) -> list[ResolveResult]:
        """Raises AddressRefusedError when no allowed address is left, OSError when the name has none."""
        async with asyncio.timeout(self._patience):
            addresses = dict.fromkeys(await self._lookup(host, port))
        verdicts = {address: self._policy.verdict(address, port) for address in addresses}
        good = [address for address, verdict in verdicts.items() if isinstance(verdict, Allowed)]
        if not good:
            reasons = [verdict.reason for verdict in verdicts.values() if isinstance(verdict, Forbidden)]
            raise AddressRefusedError(reasons[0]) if reasons else OSError("the name has no address")
        return [_result(host, address, port) for address in good]

    async def close(self) -> None:
        """Nothing is held open."""


def _result(name: str, address: Address, port: int) -> ResolveResult:
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    return ResolveResult(hostname=name, host=str(address), port=port, family=family, proto=0, flags=flags)


def guarded_sockets(policy: AddressPolicy) -> SocketFactoryType:
    """Makes the socket for one address just before it is connected; raises AddressRefusedError for a forbidden one."""

    def make(info: AddrInfoType) -> socket.socket:
        family, kind, protocol, _, where = info
        try:
            verdict = policy.verdict(ip_address(where[0]), int(where[1]))
        except ValueError:
            verdict = Forbidden("what was to be connected to is no address")
        if isinstance(verdict, Forbidden):
            raise AddressRefusedError(verdict.reason)
        return socket.socket(family, kind, protocol)

    return make


def guarded_connector(
    *, policy: AddressPolicy, tls: ssl.SSLContext, lookup: Lookup, patience: float, max_connections: int
) -> TCPConnector:
    """A pool for one policy: a connection is used again only for the host and port that it was judged for.

    Call it within the running loop.
    """
    return TCPConnector(
        ssl=tls,
        limit=max_connections,
        resolver=GuardedResolver(policy=policy, lookup=lookup, patience=patience),
        socket_factory=guarded_sockets(policy),
        use_dns_cache=False,
    )
