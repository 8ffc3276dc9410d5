"""How many connections are kept, and whose goes when there are more. It closes none itself and knows no protocol."""

import heapq
import resource
from collections.abc import Iterable
from typing import Protocol, TypeVar

MOST = 2048
"""Of one process: with TLS each takes about 50 KiB, and the chart's limits have room."""

_AT_ONCE = 16
"""One in so many goes when it is full, so that a flood does not have everybody looked at for each that comes."""


class Waiting(Protocol):
    """A connection as it is seen from here."""

    @property
    def since(self) -> float:
        """When it last had a request or an answer."""

    @property
    def is_spare(self) -> bool:
        """Whether nothing is lost with it: no request that came whole waits for its answer here."""


W = TypeVar("W", bound=Waiting)


def room(most: int) -> int:
    """How many there may be: half of the descriptors stay for the database, files, and what is fetched."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return most if soft < 0 else min(most, max(1, soft // 2))


def those_to_go(connections: Iterable[W], most: int) -> list[W]:
    """The spare ones that have waited longest, where there are already so many; none when all are at work.

    A caller who means it sends a request at once, and so outlives thousands that come after it to wait.
    """
    return heapq.nsmallest(
        max(1, most // _AT_ONCE), (one for one in connections if one.is_spare), lambda one: one.since
    )
