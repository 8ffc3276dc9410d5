"""Whether this process can store durably now. A promise to keep what we may be unable to keep is not given."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Generic, TypeVar

import structlog

from service.catalog.catalog import Catalog
from service.errors import CatalogUnavailable, StorageUnavailable, Unavailable
from service.storage import ObjectStore

PROBE_SECONDS = 2.0
PROBE_WITHIN = 3.0

BUCKET_WITHIN = 15.0
"""Seconds; the network is slow at times, and what was true a moment ago is believed for so long."""

BUCKET = "bucket"

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
    """Probes the database, free space and the bucket every 2 s; `problems` is what `/readyz` shows.

    `store` is None where this process does not write to it, and `bucket` proves that one takes writes, where there is
    one. A callback is durable without it: it is taken while the bucket is away, and its images are fetched later.
    """

    def __init__(
        self,
        *,
        catalog: Catalog,
        store: ObjectStore | None,
        data_dir: Path,
        min_free_bytes: int,
        bucket: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._catalog = catalog
        self._store = store
        self._data_dir = data_dir
        self._min_free_bytes = min_free_bytes
        self._problems: dict[str, str] = {"start": "not probed yet"}
        self._space_look = Look(self._free)
        self._bucket_look = Look(bucket) if bucket is not None else None
        self.lapses = 0
        """How often it stopped being ready; callbacks may have been lost each time."""
        self.draining_since: float | None = None

    @property
    def draining(self) -> bool:
        return self.draining_since is not None

    def drain(self) -> None:
        """Say that this process is leaving: not ready any more, though it still answers."""
        self.draining_since = time.monotonic()

    @property
    def problems(self) -> dict[str, str]:
        """What is wrong, by part; empty when ready."""
        return {**self._problems, **({"drain": "shutting down"} if self.draining else {})}

    def require_storable(self) -> None:
        """Raise Unavailable, with the reason, when a callback could not be kept; draining is no reason."""
        problems = [problem for name, problem in self._problems.items() if name != BUCKET]
        if problems:
            raise Unavailable("; ".join(problems), retry_after=2)

    async def run(self) -> None:
        while True:
            await self.probe()
            await asyncio.sleep(PROBE_SECONDS)

    async def probe(self) -> None:
        """Look once, and tell the log when the state changes."""
        looked = [await self._database(), await self._space(), await self._bucket()]
        found = {name: problem for name, problem in looked if problem}
        if found.keys() != self._problems.keys():
            log.warning("not_ready", **found) if found else log.info("ready")
        self.lapses += bool(found) and not self._problems
        self._problems = found

    async def _database(self) -> tuple[str, str | None]:
        try:
            async with asyncio.timeout(PROBE_WITHIN):
                await self._catalog.prove_writable()
        except CatalogUnavailable as error:
            return "database", str(error)
        except TimeoutError:
            return "database", self._catalog.trouble or f"the database did not answer within {PROBE_WITHIN:.0f} s"
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

    async def _free(self) -> int:
        """Bytes for the database and the archive, whichever has fewer."""
        in_store = await self._store.free_bytes() if self._store is not None else None
        beside_database = await asyncio.to_thread(_free_bytes, self._data_dir)
        return min(beside_database, in_store if in_store is not None else beside_database)


def _free_bytes(path: Path) -> int:
    found = os.statvfs(path)
    return found.f_bavail * found.f_frsize
