"""Which of too many callbacks of one task are kept. All of them are taken in; this is about what stays on the disk.

A task has a handful. A sender that reports every step, or one that floods, must not push out what tells of an end.
"""

from collections.abc import Sequence
from dataclasses import dataclass

MOST_BODIES = 64
MOST_BODY_BYTES = 1024 * 1024
"""Of one task together; one body always stays, however large."""

MOST_ROWS = 256
ORDINARY_BYTES = 16 * 1024
"""Bytes that a real task object stays far below."""


@dataclass(frozen=True, slots=True)
class KeptCallback:
    """A row of the inbox; `size` in bytes is that of the body while it `has_body`. Newer ones have higher ids."""

    id: int
    size: int
    has_body: bool
    accepted: bool
    tells_end: bool

    @property
    def worth(self) -> tuple[bool, bool, bool, int]:
        """Its own sender's before foreign, ends before progress, ordinary sizes before huge, new before old."""
        return self.accepted, self.tells_end, self.size <= ORDINARY_BYTES, self.id


@dataclass(frozen=True, slots=True)
class Surplus:
    """What has to go: `bodies` of these rows, and `rows` as a whole."""

    bodies: frozenset[int] = frozenset()
    rows: frozenset[int] = frozenset()


def surplus(kept: Sequence[KeptCallback]) -> Surplus:
    """What goes where a task has too many callbacks: what is worth least."""
    by_worth = sorted(kept, key=lambda one: one.worth, reverse=True)
    rows = frozenset(one.id for one in by_worth[MOST_ROWS:])
    bodies, number, size = set(), 0, 0
    for one in by_worth[:MOST_ROWS]:
        if not one.has_body:
            continue
        if number and (number >= MOST_BODIES or size + one.size > MOST_BODY_BYTES):
            bodies.add(one.id)
            continue
        number, size = number + 1, size + one.size
    return Surplus(frozenset(bodies), rows)
