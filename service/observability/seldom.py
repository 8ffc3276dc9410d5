"""Log lines that an outage would repeat for every request. Counts what it leaves out; decides nothing else."""

import math
import time
from collections.abc import Callable
from typing import Any

import structlog

log = structlog.get_logger(__name__)

EVERY = 60.0
"""Seconds between two lines."""


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
