"""What may be connected to, and how: the wall that every request stands behind whose address somebody else named.

It is fixed when it is made, so that no pooled connection outlives the policy it was opened under.

With a proxy, the proxy looks names up and connects. Then a link's host, scheme, port and literal address are judged;
its name's addresses only where that is asked for. The proxy's own address, which the operator chose, is exempt.
"""

import ssl
from collections.abc import Sequence
from dataclasses import dataclass

import aiohttp

from service.domain.attempt import Failed, Failure
from service.outbound.address_policy import AddressPolicy, Forbidden
from service.outbound.connector import AddressRefusedError, GuardedResolver, Lookup, guarded_connector
from service.outbound.framing import frugal
from service.outbound.target import Target, read_link


@dataclass(frozen=True, slots=True)
class Guard:
    """Judges links and opens sessions that are judged too.

    `connect` are seconds for one address, look-up and TLS included, `read` those between two reads; `proxy` is a URL or
    None, `max_connections` bounds the pool.
    """

    policy: AddressPolicy
    tls: ssl.SSLContext
    connect: float
    read: float
    max_connections: int
    proxy: str | None
    lookup: Lookup

    def judged(self, link: str, allowed_hosts: Sequence[str]) -> Target | Failed:
        """What a link leads to, or why its text forbids that anything is sent there."""
        target = read_link(link, allowed_hosts=allowed_hosts)
        if isinstance(target, Failed):
            return target
        if target.address is not None:
            verdict = self.policy.verdict(target.address, target.port)
        elif self.proxy is not None:
            verdict = self.policy.verdict_of_port(target.port)
        else:  # its addresses are judged when they are known
            return target
        return Failed(Failure.REFUSED_ADDRESS, verdict.reason) if isinstance(verdict, Forbidden) else target

    async def refused_name(self, target: Target) -> Failed | None:
        """Why a proxy must not be asked for a name, as its addresses are here; without a proxy, connecting judges."""
        if self.proxy is None or target.address is not None:
            return None
        resolver = GuardedResolver(policy=self.policy, lookup=self.lookup, patience=self.connect)
        try:
            await resolver.resolve(target.host, target.port)
        except AddressRefusedError as error:
            return Failed(Failure.REFUSED_ADDRESS, f"{target.host}: {error.reason}")
        except (OSError, UnicodeError):  # a timeout too; it may be there later
            return Failed(Failure.UNREACHABLE, f"{target.host}: the name cannot be looked up")
        return None

    def open_session(self) -> aiohttp.ClientSession:
        """To be called at the first request, because a session belongs to the running loop."""
        return aiohttp.ClientSession(
            connector=self._connector(),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            timeout=aiohttp.ClientTimeout(sock_connect=self.connect, sock_read=self.read),
        )

    def _connector(self) -> aiohttp.TCPConnector:
        if self.proxy is not None:
            return frugal(aiohttp.TCPConnector(ssl=self.tls, limit=self.max_connections))
        guarded = guarded_connector(
            policy=self.policy,
            tls=self.tls,
            lookup=self.lookup,
            patience=self.connect,
            max_connections=self.max_connections,
        )
        return frugal(guarded)
