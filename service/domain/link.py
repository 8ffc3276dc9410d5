"""The provider's expiring links: what identifies one, whether it may be fetched, and which index it belongs to."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from service.domain.attempt import Failure
from service.domain.host import host_allowed

MAX_LINKS = 16
"""Links kept for one task; the provider makes at most 10 images."""

MAX_ALTERNATES = 4
"""URLs kept for one index, freshest first."""

_REMEMBERED = 256
"""Links whose parts are remembered: each is looked at many times while its event is taken in."""


@lru_cache(maxsize=_REMEMBERED)
def identity(link: str) -> str:
    """Host and path: what stays the same when a link is signed anew."""
    try:
        parts = urlsplit(link)
        return f"{(parts.hostname or '').rstrip('.')}{parts.path}"
    except ValueError:
        return link


@lru_cache(maxsize=_REMEMBERED)
def link_host(link: str) -> str | None:
    """The host a link names, or None where it names none."""
    try:
        return urlsplit(link).hostname
    except ValueError:
        return None


def refusal(link: str, allowed_hosts: Sequence[str]) -> Failure | None:
    """Why a link may not be fetched, as far as its text tells; the guard checks addresses when it connects."""
    return _refusal(link, tuple(allowed_hosts))


@lru_cache(maxsize=_REMEMBERED)
def _refusal(link: str, allowed_hosts: tuple[str, ...]) -> Failure | None:
    host = link_host(link)
    if host is None or not host_allowed(host, allowed_hosts):
        return Failure.REFUSED_HOST
    return None if urlsplit(link).scheme == "https" else Failure.REFUSED_ADDRESS


@dataclass(frozen=True, slots=True)
class Placed:
    """Where links belong: known indexes with a (perhaps fresh) URL, new indexes, and how many were left out."""

    known: dict[int, str]
    new: dict[int, str]
    dropped: int


def place(known: Sequence[Sequence[str]], links: Sequence[str], *, movable: Sequence[int] | None = None) -> Placed:
    """Give each link of an event its index; `known[i]` holds the URLs already known for index i.

    By identity first; by position only when no identity matches and the counts are equal; the rest are appended.
    `movable` are the indexes that may be matched by position, where it is not all of them.
    """
    positions = list(range(len(known))) if movable is None else movable
    unique = list({identity(link): link for link in links}.values())
    index_of = {identity(url): index for index, urls in enumerate(known) for url in urls}
    if positions and len(unique) == len(positions) and not any(identity(link) in index_of for link in unique):
        return Placed(known=dict(zip(positions, unique, strict=True)), new={}, dropped=len(links) - len(unique))
    refreshed: dict[int, str] = {}
    fresh: list[str] = []
    for link in unique:
        index = index_of.get(identity(link))
        if index is None or index in refreshed:  # two links of one event are two images, whatever was thought before
            fresh.append(link)
        else:
            refreshed[index] = link
    room = max(0, MAX_LINKS - len(known))
    new = {len(known) + offset: link for offset, link in enumerate(fresh[:room])}
    return Placed(known=refreshed, new=new, dropped=len(links) - len(refreshed) - len(new))


def with_fresh(urls: Sequence[str], link: str) -> tuple[str, ...]:
    """Put a link in front; older URLs of other identities stay as alternates, should the fresh one not work."""
    others = tuple(url for url in urls if identity(url) != identity(link))
    return (link, *others)[:MAX_ALTERNATES]
