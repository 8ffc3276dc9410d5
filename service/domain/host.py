"""Which hosts links may point to. Pure text: addresses are the guard's business."""

from collections.abc import Sequence
from functools import lru_cache

MAX_NAME = 253
"""Characters of a host name (RFC 1035 section 2.3.4, without the root's dot)."""


_INTERNAL = (".localhost", ".local", ".internal")


def is_internal_name(name: str) -> bool:
    """Whether a name is nobody's outside: without a dot, or of a domain that is kept for use at home."""
    return "." not in name or name.endswith(_INTERNAL)


@lru_cache(maxsize=256)
def normalised_host(host: str) -> str:
    """A host name as it is compared and connected to: lower case, no trailing dot, IDNA 2003 (RFC 3490) if not ASCII.

    Full-width digits and dots become plain ones here. Empty for what cannot be a name.
    """
    plain = host.rstrip(".").lower()
    if len(plain) > MAX_NAME:
        return ""
    try:
        name = plain if plain.isascii() else plain.encode("idna").decode("ascii").rstrip(".").lower()
    except UnicodeError:
        return ""
    return "" if name.startswith(".") or ".." in name else name


def host_allowed(host: str, patterns: Sequence[str]) -> bool:
    """`*` allows any host, `*.example.com` its subdomains only, anything else exactly that host."""
    name = normalised_host(host)
    return name != "" and any(_matches(name, pattern.strip()) for pattern in patterns)


def _matches(name: str, pattern: str) -> bool:
    if pattern == "*":
        return True
    domain = normalised_host(pattern.removeprefix("*."))
    if not domain:
        return False
    if pattern.startswith("*."):
        return name.endswith(f".{domain}")
    return name == domain
