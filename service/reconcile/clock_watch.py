"""Notices that the wall clock was set, and mends what it planned, before anything is decided by the new time."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol, TypeVar

import structlog

from service.catalog.catalog import Catalog, Transaction
from service.domain.clock_step import Look, step_between

T = TypeVar("T")

LOOK_EVERY = 1.0

log = structlog.get_logger(__name__)


class Writes(Protocol):
    """Where transactions are run: the catalog, or the watch in front of it."""

    async def write(self, work: Callable[[Transaction], T]) -> T: ...


class ClockWatch:
    """Holds the database's clock against `steady`, in seconds, which nobody sets."""

    def __init__(self, catalog: Catalog, *, steady: Callable[[], float] = time.monotonic) -> None:
        self._catalog = catalog
        self._steady = steady
        self._last: Look | None = None

    async def run(self) -> None:
        """Look every second, so that nothing sleeps longer than that after the clock was set back."""
        while True:
            look = await self._catalog.read(self._look)
            if self._last is not None and step_between(self._last, look):
                await self.write(lambda _: None)
            else:
                self._last = look
            await asyncio.sleep(LOOK_EVERY)

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """Run `work` in one transaction, after the mending that a step of the clock asks for."""
        mended: list[_Mended] = []
        result = await self._catalog.write(lambda tx: self._mended_first(tx, work, mended))
        [done] = mended
        if self._last is not None and step_between(self._last, done.look):  # the first who noticed tells it
            log.warning("clock_was_set", seconds=round(done.step.total_seconds()), waits_mended=done.rows)
        self._last = done.look
        return result

    def _mended_first(self, tx: Transaction, work: Callable[[Transaction], T], mended: "list[_Mended]") -> T:
        look = self._look(tx)
        step = step_between(self._last, look) if self._last is not None else timedelta()
        mended[:] = [_Mended(look, step, _mend(tx, step))]
        return work(tx)

    def _look(self, tx: Transaction) -> Look:
        return Look(tx.now, self._steady())


@dataclass(frozen=True, slots=True)
class _Mended:
    look: Look
    step: timedelta
    rows: int


def _mend(tx: Transaction, step: timedelta) -> int:
    if step > timedelta():
        return tx.waits.begin_patience_anew()
    if not step:
        return 0
    tx.submissions.pull_in(tx.now)
    return tx.waits.pull_in(tx.now) + tx.events.pull_in(tx.now)
