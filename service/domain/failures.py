"""How often one address may fail to show a key, and what counts as one address. Pure; times are passed in.

Bounds noise and logs, and the guessing of keys that somebody thought up. Those that were made here cannot be guessed.
"""

from ipaddress import IPv4Address, IPv6Address, ip_address

from service.domain.allowance import Bucket, admit, full_bucket

BURST = 60.0
"""Failures at once: a fleet that starts with last week's key."""

RATE = 0.5
"""Failures a second, sustained."""

SUBNET = 64
"""Bits of an IPv6 address that are given to one customer, who has all others for himself."""

NOWHERE = "unknown"
"""Whatever is no address: all of it counts as one."""


def nothing_failed(now: float) -> Bucket:
    return full_bucket(now, burst=BURST)


def wait_of(bucket: Bucket, now: float) -> float:
    """Seconds until another failure is allowed; 0 when it is now."""
    return admit(bucket, now, rate=RATE, burst=BURST)[1]


def failed(bucket: Bucket, now: float) -> Bucket:
    """The bucket after one more failure."""
    return admit(bucket, now, rate=RATE, burst=BURST)[0]


def address_of(host: str | None) -> IPv4Address | IPv6Address | None:
    """The address of a client as a server tells of it; of IPv4 also where it is written as IPv6."""
    try:
        address = ip_address((host or "").partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def whose(host: str | None) -> str:
    """Whom a client's address stands for: itself, or for IPv6 its /64."""
    address = address_of(host)
    if not isinstance(address, IPv6Address):
        return str(address) if address is not None else NOWHERE
    network = int(address) >> (128 - SUBNET) << (128 - SUBNET)
    return f"{IPv6Address(network)}/{SUBNET}"
