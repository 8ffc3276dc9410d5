"""Group commit: concurrent callbacks share a transaction, a lone one does not wait, a poison one stands alone.

Nothing is answered before its transaction is durable. A caller that hangs up cancels nothing.
"""

import asyncio
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import structlog

from service.archive.spans import tell_settled
from service.background import Nudge
from service.catalog.catalog import Catalog, Transaction
from service.catalog.engine import Priority
from service.domain.allowance import Spent
from service.domain.rules import Rules
from service.errors import CatalogUnavailable
from service.intake.allowance import Allowances
from service.intake.batch import Delivery, Taken, take_in
from service.observability import Metrics
from service.observability.tracing import NO_TRACING, Tracing

LARGEST_BATCH = 256
LARGEST_BATCH_BYTES = 8 * 1024 * 1024
QUIET = 3
"""Turns of the loop that bring nobody: a callback takes two from its socket to us."""

GATHER_SECONDS = 0.05
"""For which those who come in are waited for at most: a large one takes as long by itself."""

COMMIT_WITHIN = 5.0
"""Seconds; the provider waits 10, and its next attempt is better than no answer."""

LONGEST_QUEUE = 4096
LARGEST_QUEUE_BYTES = 64 * 1024 * 1024
ORDINARY = 64 * 1024
"""Bytes of a delivery: larger ones fill half of the queue and no more, so that they keep no others out."""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Waiting:
    """A delivery, and who waits for it; `taken` may be done already, when nobody waits any more."""

    delivery: Delivery
    taken: "asyncio.Future[Taken]"

    def end(self, outcome: Taken | CatalogUnavailable) -> None:
        if self.taken.done():
            return
        if isinstance(outcome, Taken):
            self.taken.set_result(outcome)
        else:
            self.taken.set_exception(outcome)


def _end_late(waiting: _Waiting) -> None:
    waiting.end(CatalogUnavailable(f"the callback was not durable within {COMMIT_WITHIN:.0f} s"))


class Intake:
    """Takes deliveries in; `run` must be running."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        rules: Rules,
        archive: Nudge,
        sidecars: Nudge,
        reconcile: Nudge,
        metrics: Metrics,
        allowances: Allowances,
        tracing: Tracing = NO_TRACING,
    ) -> None:
        self._catalog = catalog
        self._rules = rules
        self._archive = archive
        self._sidecars = sidecars
        self._reconcile = reconcile
        self._metrics = metrics
        self._allowances = allowances
        self._tracing = tracing
        self._waiting: deque[_Waiting] = deque()
        self._waiting_bytes = 0
        self._arrived = asyncio.Event()

    async def accept(self, delivery: Delivery) -> Taken:
        """Join the next transaction; raises CatalogUnavailable when it is not durable within 5 s."""
        size = delivery.held
        most = LARGEST_QUEUE_BYTES if size <= ORDINARY else LARGEST_QUEUE_BYTES // 2
        if len(self._waiting) >= LONGEST_QUEUE or self._waiting_bytes + size > most:
            raise CatalogUnavailable("too many callbacks are waiting to be stored")
        loop = asyncio.get_running_loop()
        waiting = _Waiting(delivery, loop.create_future())
        self._waiting.append(waiting)
        self._waiting_bytes += size
        self._arrived.set()
        timer = loop.call_later(COMMIT_WITHIN, _end_late, waiting)
        try:
            return await waiting.taken
        finally:
            timer.cancel()

    async def run(self) -> None:
        """Commit what waits, batch after batch, for ever."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._waiting:
                await self._gather()
                await self._commit(self._next_batch())

    async def _gather(self) -> None:
        """Let those come in who are at the door already.

        They share the transaction then, and its thread does not have the interpreter's lock taken away by them: two
        threads that want it at the same time cost a quarter more than one after the other.
        """
        quiet, until = 0, time.monotonic() + GATHER_SECONDS
        while quiet < QUIET and len(self._waiting) < LARGEST_BATCH and time.monotonic() < until:
            before = len(self._waiting)
            await asyncio.sleep(0)
            quiet = quiet + 1 if len(self._waiting) == before else 0

    def _next_batch(self) -> list[_Waiting]:
        batch: list[_Waiting] = []
        size = 0
        while self._waiting and len(batch) < LARGEST_BATCH and size < LARGEST_BATCH_BYTES:
            batch.append(self._waiting.popleft())
            size += batch[-1].delivery.held
        self._waiting_bytes -= size
        return batch

    async def _commit(self, batch: Sequence[_Waiting]) -> None:
        deliveries = [waiting.delivery for waiting in batch]
        try:
            results = await self._take_in(deliveries)
        except CatalogUnavailable as error:
            for waiting in batch:
                waiting.end(error)
        except Exception as error:  # noqa: BLE001 - one of them cannot be stored: find it, let the rest through
            if len(batch) == 1:
                await self._keep_raw(batch[0], error)
                return
            half = len(batch) // 2
            await self._commit(batch[:half])
            await self._commit(batch[half:])
        else:
            self._committed(batch, results)

    def _committed(self, batch: Sequence[_Waiting], results: Sequence[Taken]) -> None:
        """Tell everybody who waits for it, then who has to go on."""
        self._metrics.batch_committed(len(batch))
        for waiting, taken in zip(batch, results, strict=True):
            self._allowances.add(waiting.delivery.token.id, taken.spent)
            waiting.end(taken)
            for reason in taken.deaths:
                self._metrics.died(reason)
        if any(taken.wakes for taken in results):
            self._archive.nudge()
        if any(taken.asks for taken in results):
            self._reconcile.nudge()
        if not all(taken.wakes for taken in results):  # those with images to come are best written after them
            self._sidecars.nudge()
        for taken in results:  # at the end: nobody waits for it
            tell_settled(self._tracing, taken.settled)

    async def _take_in(self, batch: Sequence[Delivery]) -> list[Taken]:
        spent = {delivery.token.id: self._allowances.spent(delivery.token.id) for delivery in batch}
        work = partial(_take_in_now, batch=batch, rules=self._rules, spent=spent)
        return await self._catalog.write(work, priority=Priority.INTAKE)

    async def _keep_raw(self, waiting: _Waiting, error: Exception) -> None:
        """A delivery that no transaction takes is kept as bytes, as an unreadable one would be."""
        log.error("callback_poison", body_sha256=waiting.delivery.body_sha256, error=type(error).__name__)
        raw = replace(waiting.delivery, event=None, detail=f"could not be stored as a task: {type(error).__name__}")
        try:
            [taken] = await self._take_in([raw])
        except Exception:  # noqa: BLE001 - not even its bytes: the provider must try again
            waiting.end(CatalogUnavailable("the callback could not be stored"))
        else:
            self._allowances.add(raw.token.id, taken.spent)
            waiting.end(taken)


def _take_in_now(
    tx: Transaction, *, batch: Sequence[Delivery], rules: Rules, spent: Mapping[str, Spent]
) -> list[Taken]:
    """By the database's clock, as everything that is due is: the clock of this machine may be wrong."""
    return take_in(tx, [replace(one, received_at=tx.now) for one in batch], rules=rules, spent=spent)
