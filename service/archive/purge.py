"""Removes the bytes of deleted assets. The tombstone is written first, so a crash in between loses no deletion."""

import math
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial

import structlog

from service.background import Nudge
from service.catalog.catalog import Catalog, Transaction
from service.catalog.work import ToPurge
from service.domain.thumbnail import thumbnails_of
from service.errors import StorageUnavailable
from service.storage import ObjectStore

POLL_SECONDS = 30.0
MOST_FAILURES = 5
"""Failures in a row after which a round ends: the store is ill, or does not let us delete."""

_AT_ONCE = 100

log = structlog.get_logger(__name__)


class Purge:
    """Deletes what tombstones name, for ever; deleting twice is harmless."""

    def __init__(self, *, catalog: Catalog, store: ObjectStore, nudge: Nudge) -> None:
        self._catalog = catalog
        self._store = store
        self._nudge = nudge
        self._begin_after = 0

    async def run(self) -> None:
        while True:
            await self.purge_all()
            await self._nudge.wait(POLL_SECONDS)

    async def purge_all(self) -> None:
        """Purge what tombstones name; what the store does not give up is left for another round, the rest is not.

        A round that ends early is gone on with by the next one, so that what is stuck keeps nothing else.
        """
        failures = in_a_row = 0
        reason, reached = "", 0
        async with aclosing(self._round(self._begin_after)) as due:
            async for one in due:
                try:
                    await self._purge(one)
                    in_a_row = 0
                except StorageUnavailable as error:
                    failures, in_a_row, reason = failures + 1, in_a_row + 1, str(error)
                    if in_a_row == MOST_FAILURES:
                        reached = one.seq
                        break
        self._begin_after = reached
        if failures:
            log.error("purge_failed", failures=failures, gave_up=bool(reached), reason=reason)

    async def _round(self, begin_after: int) -> AsyncGenerator[ToPurge, None]:
        """Everything that is to be purged, each once: what comes after a place, then what comes up to it."""
        for after, last in ((begin_after, math.inf), (0, begin_after)):
            while after < last and (found := await self._catalog.read(partial(_to_purge, after=after))):
                for one in found:
                    if one.seq > last:
                        return
                    yield one
                after = found[-1].seq

    async def _purge(self, one: ToPurge) -> None:
        """Delete whatever lies under the asset's index, also bytes that a crash left and no row tells of.

        Thumbnails go first: as long as bytes are there, nothing takes the asset for purged.
        """
        for prefix in (thumbnails_of(one.folder, one.index), f"{one.folder}/{one.index}-"):
            async for entry in self._store.list(prefix):
                await self._store.delete(entry.key)
        if not one.may_get_more:
            await self._catalog.write(partial(_mark_purged, one=one))


def _to_purge(tx: Transaction, *, after: int) -> list[ToPurge]:
    return tx.work.to_purge(_AT_ONCE, after=after)


def _mark_purged(tx: Transaction, *, one: ToPurge) -> None:
    tx.work.mark_purged(one)
