"""Log lines that an outage or a stranger would repeat without end. Counts what it leaves out; decides nothing else."""

import math
import time
from collections.abc import Callable
from typing import Any

import structlog

log = structlog.get_logger(__name__)

EVERY = 60.0
"""Seconds between two lines."""

A_MINUTE = 60
"""Lines a minute of what strangers can cause: enough to see what is wrong, too few to fill a disk."""


class Few:
    """So many lines of a kind in a minute, then none; the next one tells how many were left out."""

    def __init__(self, *, most: int = A_MINUTE, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._began = -math.inf
        self._told = 0
        self._left_out = 0

    def turn(self) -> dict[str, int] | None:
        """What a line is to say besides; None where there is to be none."""
        if self._clock() - self._began >= EVERY:
            self._began, self._told = self._clock(), 0
        if self._told >= self._most:
            self._left_out += 1
            return None
        self._told += 1
        said = {"left_out": self._left_out} if self._left_out else {}
        self._left_out = 0
        return said


class Seldom:
    """One kind of error line: the first of a reason at once, then one a minute with the number of those `left_out`."""

    def __init__(self, event: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._event = event
        self._clock = clock
        self._told_at = -math.inf
        self._reason = ""
        self._left_out = 0

    def tell(self, *, reason: str, **fields: Any) -> None:
        since = self._clock() - self._told_at
        if since < EVERY and reason == self._reason:
            self._left_out += 1
            return
        left_out = self._left_out if since < 2 * EVERY else 0  # else they belong to an outage that has ended
        log.error(self._event, reason=reason, left_out=left_out, **fields)
        self._told_at, self._reason, self._left_out = self._clock(), reason, 0
