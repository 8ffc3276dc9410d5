"""Which hosts links may point to. Pure text: addresses are the guard's business."""

from collections.abc import Sequence


def normalised_host(host: str) -> str:
    """A host name as it is compared: lower case, no trailing dot, IDNA where it is not ASCII."""
    plain = host.strip().rstrip(".").lower()
    if plain.isascii():
        return plain
    try:
        return plain.encode("idna").decode("ascii")
    except UnicodeError:
        return ""


def host_allowed(host: str, patterns: Sequence[str]) -> bool:
    """`*` allows any host, `*.example.com` its subdomains only, anything else exactly that host."""
    name = normalised_host(host)
    if not name:
        return False
    for pattern in patterns:
        wanted = pattern.strip().rstrip(".").lower()
        if wanted == "*" or name == wanted or (wanted.startswith("*.") and name.endswith(wanted[1:])):
            return True
    return False
