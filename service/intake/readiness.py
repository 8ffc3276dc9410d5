"""Whether this process can store durably now. A promise to keep what we may be unable to keep is not given."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Generic, TypeVar

import structlog

from service.catalog.catalog import Catalog
from service.catalog.engine import Priority
from service.catalog.marks import TAKING_IN
from service.errors import CatalogUnavailable, StorageUnavailable, Unavailable
from service.observability import Metrics
from service.storage import ObjectStore

PROBE_SECONDS = 2.0
PROBE_WITHIN = 3.0
FIRST_LOOKS = 3

BUCKET_WITHIN = 15.0
"""Seconds; the network is slow at times, and what was true a moment ago is believed for so long."""

BUCKET = "bucket"
_LATE = f"the database did not answer within {PROBE_WITHIN:.0f} s"

T = TypeVar("T")

log = structlog.get_logger(__name__)


class Look(Generic[T]):
    """A look that may hang: then it is waited for, not joined by more."""

    def __init__(self, look: Callable[[], Awaitable[T]]) -> None:
        self._look = look
        self._looking: asyncio.Future[T] | None = None
        self.since = 0.0
        """When the look began whose answer was last asked for."""

    async def answer(self, within: float) -> T:
        """What is seen; raises TimeoutError when that is not known in time."""
        looking = self._looking
        if looking is None:
            looking = self._looking = asyncio.ensure_future(self._look())
            self.since = time.monotonic()
        await asyncio.wait([looking], timeout=within)
        if not looking.done():
            raise TimeoutError
        if self._looking is looking:
            self._looking = None
        return looking.result()


class Readiness:
    """Probes the database, free space and the bucket every 2 s; `problems` is what `/readyz` shows, and `metrics` tell.

    `folder` is where this process keeps files, if it does; `store` is None where it writes to none, and `bucket` proves
    that one takes writes, where there is one. A callback is durable without it: it is taken while the bucket is away,
    and its images are fetched later. `takes_in`: callbacks come here, and may be lost while they cannot.
    """

    def __init__(
        self,
        *,
        catalog: Catalog,
        store: ObjectStore | None,
        folder: Path | None,
        min_free_bytes: int,
        metrics: Metrics,
        bucket: Callable[[], Awaitable[None]] | None = None,
        takes_in: bool = True,
    ) -> None:
        self._catalog = catalog
        self._store = store
        self._folder = folder
        self._takes_in = takes_in
        self._min_free_bytes = min_free_bytes
        self._metrics = metrics
        self._problems: dict[str, str] = {"start": "not probed yet"}
        self._against_storing = ["not probed yet"]
        self._space_look = Look(self._free)
        self._bucket_look = Look(bucket) if bucket is not None else None
        self.draining_since: float | None = None

    @property
    def draining(self) -> bool:
        return self.draining_since is not None

    def drain(self) -> None:
        """Say that this process is leaving: not ready any more, though it still answers."""
        self.draining_since = time.monotonic()
        self._metrics.ready(False)

    @property
    def problems(self) -> dict[str, str]:
        """What is wrong, by part; empty when ready."""
        return {**self._problems, **({"drain": "shutting down"} if self.draining else {})}

    def require_storable(self) -> None:
        """Raise Unavailable, with the reason, when a callback could not be kept; draining is no reason."""
        if self._against_storing:
            raise Unavailable("; ".join(self._against_storing), retry_after=2)

    async def begin(self) -> None:
        """Look before anybody is let in; again where the database is only late, as at a start on a busy machine."""
        for _ in range(FIRST_LOOKS):
            await self.probe()
            if not _only_late(self._problems):
                return

    async def run(self) -> None:
        while True:
            await self.probe()
            await asyncio.sleep(PROBE_SECONDS)

    async def probe(self) -> None:
        """Look once, and tell the log when the state changes."""
        looked = [await self._database(), await self._space(), await self._bucket()]
        found = {name: problem for name, problem in looked if problem}
        against = self._held_against(found)
        if self._takes_in and not against and (self._against_storing or _only_late(self._problems)):
            found |= await self._begin_to_take_in()
            against = self._held_against(found)
        self._against_storing = against
        if found.keys() != self._problems.keys():
            log.warning("not_ready", **found) if found else log.info("ready")
        self._problems = found
        self._metrics.ready(not self.problems)

    def _held_against(self, found: Mapping[str, str]) -> list[str]:
        """What keeps callbacks from being kept. Late once is no reason: who waits for a commit learns of it there."""
        if _only_late(found) and not self._against_storing and not _only_late(self._problems):
            return []
        return [problem for name, problem in found.items() if name != BUCKET]

    async def _begin_to_take_in(self) -> dict[str, str]:
        """Note for whoever looks through the account that callbacks may have been lost until now."""
        try:
            async with asyncio.timeout(PROBE_WITHIN):
                await self._catalog.write(lambda tx: tx.marks.set(TAKING_IN, tx.now), priority=Priority.INTAKE)
        except CatalogUnavailable as error:
            return {"database": str(error)}
        except TimeoutError:
            return {"database": _LATE}
        return {}

    async def _database(self) -> tuple[str, str | None]:
        try:
            async with asyncio.timeout(PROBE_WITHIN):
                await self._catalog.prove_writable()
        except CatalogUnavailable as error:
            return "database", str(error)
        except TimeoutError:
            return "database", self._catalog.trouble or _LATE
        return "database", None

    async def _space(self) -> tuple[str, str | None]:
        try:
            free = await self._space_look.answer(PROBE_WITHIN)
        except StorageUnavailable as error:
            return "storage", str(error)
        except TimeoutError:
            return "storage", f"the disk did not answer within {PROBE_WITHIN:.0f} s"
        except OSError as error:
            return "storage", f"the data directory cannot be read: {error.strerror}"
        if free is None:
            return "storage", None
        self._metrics.disk(free=free, least=self._min_free_bytes)
        if free >= self._min_free_bytes:
            return "storage", None
        return (
            "storage",
            f"only {free} bytes are free; DARKROOM_STORAGE__MIN_FREE_BYTES asks for {self._min_free_bytes}",
        )

    async def _bucket(self) -> tuple[str, str | None]:
        if self._bucket_look is None:
            return BUCKET, None
        try:
            await self._bucket_look.answer(PROBE_WITHIN)
        except StorageUnavailable as error:
            return BUCKET, str(error)
        except TimeoutError:
            if time.monotonic() - self._bucket_look.since > BUCKET_WITHIN:
                return BUCKET, f"the bucket did not answer within {BUCKET_WITHIN:.0f} s"
            return BUCKET, self._problems.get(BUCKET)
        return BUCKET, None

    async def _free(self) -> int | None:
        """Bytes for the database and the archive, whichever has fewer."""
        found = [await self._store.free_bytes()] if self._store is not None else []
        if self._folder is not None:
            found.append(await asyncio.to_thread(_free_bytes, self._folder))
        return min((free for free in found if free is not None), default=None)


def _only_late(problems: Mapping[str, str]) -> bool:
    """Whether nothing is wrong with what callbacks need but that the database has not answered yet."""
    return {name: problem for name, problem in problems.items() if name != BUCKET} == {"database": _LATE}


def _free_bytes(path: Path) -> int:
    found = os.statvfs(path)
    return found.f_bavail * found.f_frsize
