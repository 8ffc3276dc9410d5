"""Log lines that an outage would repeat for every request. Counts what it leaves out; decides nothing else."""

import time
from collections.abc import Callable
from typing import Any

import structlog

log = structlog.get_logger(__name__)

EVERY = 60.0
"""Seconds between two lines."""


class Seldom:
    """One kind of error line: the first at once, then one a minute with the number of those `left_out` before it."""

    def __init__(self, event: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._event = event
        self._clock = clock
        self._told_at: float | None = None
        self._left_out = 0

    def tell(self, **fields: Any) -> None:
        now = self._clock()
        if self._told_at is not None and now - self._told_at < EVERY:
            self._left_out += 1
            return
        log.error(self._event, left_out=self._left_out, **fields)
        self._told_at, self._left_out = now, 0
