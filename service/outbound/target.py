"""What a link asks us to connect to, or why its text alone forbids that. Pure: names are not looked up here.

A link is parsed once, and the request is built from the parts that were checked, so that no second parser can see
another host in it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import SplitResult, quote, urlsplit

from service.domain.attempt import Failed, Failure
from service.domain.host import host_allowed, normalised_host
from service.outbound.address_policy import HTTPS_PORT, Address

MAX_LINK = 8192
"""Characters; RFC 9110 section 4.1 asks for at least 8000."""

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_NUMERIC_END = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)")  # read as an IPv4 address by inet_aton
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_KEPT_IN_PATH = "/%:@!$&'()*+,;=~"


@dataclass(frozen=True, slots=True)
class Target:
    """A checked https link: ASCII host without brackets or trailing dot, path and query percent-encoded."""

    host: str
    port: int
    path: str
    query: str
    address: Address | None  # where the host is a literal address

    @property
    def origin(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"https://{host}:{self.port}"

    @property
    def path_and_query(self) -> str:
        return f"{self.path}{'?' if self.query else ''}{self.query}"

    @property
    def url(self) -> str:
        """The link again, as redirects are resolved against it."""
        return self.origin + self.path_and_query


def read_link(link: str, *, allowed_hosts: Sequence[str]) -> Target | Failed:
    """Read a link: https, no credentials, a host on the list, and no address in an unusual notation."""
    parts = _split(link)
    host = None if parts is None else _host(parts)
    if parts is None or host is None:
        return Failed(Failure.REFUSED_HOST, "the link is malformed")
    if isinstance(host, Failed):
        return host
    if not host_allowed(host, allowed_hosts):
        return Failed(Failure.REFUSED_HOST, f"{host} is not an allowed host")
    if parts.scheme != "https":
        return Failed(Failure.REFUSED_ADDRESS, f"the link to {host} is not https")
    if "@" in parts.netloc:
        return Failed(Failure.REFUSED_ADDRESS, f"the link to {host} carries credentials")
    return Target(
        host=host,
        port=HTTPS_PORT if parts.port is None else parts.port,
        path=quote(parts.path or "/", safe=_KEPT_IN_PATH),
        query=quote(parts.query, safe=_KEPT_IN_PATH + "?"),
        address=_literal(host),
    )


def _split(link: str) -> SplitResult | None:
    """The link's parts; None where two parsers might read it differently."""
    if len(link) > MAX_LINK or _CONTROL.search(link):
        return None
    try:
        link.encode()  # no lone surrogates
        parts = urlsplit(link.strip(" "))
        _ = parts.port  # raises for what is no port number
    except ValueError:
        return None
    return None if "\\" in parts.netloc else parts


def _host(parts: SplitResult) -> str | Failed | None:
    """The normalised host; None where there is none, Failed for an address that is not written the usual way."""
    raw = parts.hostname
    if not raw:
        return None
    if "[" in parts.netloc:
        literal = _literal(raw)
        return str(literal) if isinstance(literal, IPv6Address) else None
    host = normalised_host(raw)
    if _NUMERIC_END.fullmatch(host) and not isinstance(_literal(host), IPv4Address):
        return Failed(Failure.REFUSED_ADDRESS, f"{host} is an address in an unusual notation")
    return host if _NAME.fullmatch(host) else None


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None
