"""What goes through the pipes between the service and the process that fetches: a line of JSON each. Pure.

The first line is how to fetch; then there are orders one way, and what came of them the other.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from service.archive.fetcher import Fetched
from service.domain.attempt import Failed, Failure
from service.domain.image import Image, ImageFormat
from service.errors import StorageUnavailable, Unavailable
from service.outbound.address_policy import Network

LONGEST = 2**20
"""Bytes of a line; a link has some thousand, and a list of hosts or networks at most tens of thousands."""


class GarbledError(Exception):
    """A line that says nothing that the process can have to say."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How to fetch: from whom, at which addresses, and how much; durations in seconds, `proxy` a URL."""

    allowed_hosts: tuple[str, ...]
    trusted_networks: tuple[Network, ...]
    ca_file: Path | None
    connect_timeout: float
    read_timeout: float
    total_timeout: float
    user_agent: str
    max_connections: int
    proxy: str | None
    max_bytes: int
    max_pixels: int


@dataclass(frozen=True, slots=True)
class Fetch:
    """Fetch a link into a file of this name, and tell what came of order `number`."""

    number: int
    link: str
    path: Path


@dataclass(frozen=True, slots=True)
class Drop:
    """Nobody wants order `number` any more: end it, and tell so."""

    number: int


@dataclass(frozen=True, slots=True)
class Dropped:
    """An order was ended before it came to anything."""


@dataclass(frozen=True, slots=True)
class Broken:
    """A mistake of ours came to light; `where` names it, and holds no value of what was fetched."""

    where: str


Outcome = Fetched | Failed | Unavailable | Dropped | Broken


def terms_line(terms: Terms) -> bytes:
    plain = asdict(terms)
    plain["trusted_networks"] = [str(network) for network in terms.trusted_networks]
    plain["ca_file"] = str(terms.ca_file) if terms.ca_file is not None else None
    return _line(plain)


def read_terms(line: bytes) -> Terms:
    plain = json.loads(line)
    plain["allowed_hosts"] = tuple(plain["allowed_hosts"])
    plain["trusted_networks"] = tuple(map(ip_network, plain["trusted_networks"]))
    plain["ca_file"] = Path(plain["ca_file"]) if plain["ca_file"] is not None else None
    return Terms(**plain)


def order_line(order: Fetch | Drop) -> bytes:
    match order:
        case Fetch(number, link, path):
            return _line({"number": number, "link": link, "path": str(path)})
        case Drop(number):
            return _line({"number": number})


def read_order(line: bytes) -> Fetch | Drop:
    plain = json.loads(line)
    if "link" in plain:
        return Fetch(plain["number"], plain["link"], Path(plain["path"]))
    return Drop(plain["number"])


def outcome_line(number: int, outcome: Outcome) -> bytes:
    """What came of an order; the file's name is not told again."""
    match outcome:
        case Fetched(sha256=sha256, size=size, image=image):
            plain = {"fetched": {"sha256": sha256, "size": size, "image": asdict(image)}}
        case Failed():
            plain = {"failed": asdict(outcome)}
        case Unavailable():
            of_the_store = isinstance(outcome, StorageUnavailable)
            plain = {"unavailable": {"reason": str(outcome), "of_the_store": of_the_store}}
        case Dropped():
            plain = {"dropped": {}}
        case Broken(where):
            plain = {"broken": {"where": where}}
    return _line({"number": number, **plain})


def read_number(line: bytes) -> tuple[int, Mapping[str, Any]]:
    """Which order a line is about, and what it tells. Raises GarbledError."""
    try:
        plain = json.loads(line)
    except ValueError:
        plain = None
    match plain:
        case {"number": int(number)}:
            return number, plain
        case _:
            raise GarbledError("a line about no order")


def read_outcome(told: Mapping[str, Any], path: Path) -> Outcome:
    """What came of an order that was to write this file. Raises GarbledError."""
    try:
        outcome = _outcome(told, path)
    except ValueError:  # of an enum
        outcome = None
    if outcome is None:
        raise GarbledError("nothing that can come of an order")
    return outcome


def _outcome(told: Mapping[str, Any], path: Path) -> Outcome | None:
    match told:
        case {"fetched": {"sha256": sha256, "size": size, "image": {"format": kind, "width": width, "height": height}}}:
            return Fetched(path, sha256, size, Image(ImageFormat(kind), width, height))
        case {"failed": {"failure": failure, "detail": detail, "retry_after": retry_after}}:
            return Failed(Failure(failure), detail, retry_after)
        case {"unavailable": {"reason": reason, "of_the_store": of_the_store}}:
            return StorageUnavailable(reason) if of_the_store else Unavailable(reason)
        case {"dropped": {}}:
            return Dropped()
        case {"broken": {"where": where}}:
            return Broken(where)
        case _:
            return None


def _line(plain: Mapping[str, Any]) -> bytes:
    return json.dumps(plain).encode() + b"\n"
