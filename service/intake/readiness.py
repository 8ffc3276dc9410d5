"""Whether this process can store durably now. A promise to keep what we may be unable to keep is not given."""

import asyncio
import os
import time
from pathlib import Path

import structlog

from service.catalog.catalog import Catalog
from service.errors import CatalogUnavailable, StorageUnavailable, Unavailable
from service.storage import ObjectStore

PROBE_SECONDS = 2.0
PROBE_WITHIN = 3.0

log = structlog.get_logger(__name__)


class Readiness:
    """Probes the database and free space every 2 s; `problems` is what `/readyz` shows."""

    def __init__(self, *, catalog: Catalog, store: ObjectStore, data_dir: Path, min_free_bytes: int) -> None:
        self._catalog = catalog
        self._store = store
        self._data_dir = data_dir
        self._min_free_bytes = min_free_bytes
        self._problems: dict[str, str] = {"start": "not probed yet"}
        self._looking: asyncio.Task[int] | None = None
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
        if self._problems:
            raise Unavailable("; ".join(self._problems.values()), retry_after=2)

    async def run(self) -> None:
        while True:
            await self.probe()
            await asyncio.sleep(PROBE_SECONDS)

    async def probe(self) -> None:
        """Look once, and tell the log when the state changes."""
        found = {name: problem for name, problem in [await self._database(), await self._space()] if problem}
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
            free = await self._free_within(PROBE_WITHIN)
        except StorageUnavailable as error:
            return "storage", str(error)
        except OSError as error:
            return "storage", f"the data directory cannot be read: {error.strerror}"
        if free is None:
            return "storage", f"the disk did not answer within {PROBE_WITHIN:.0f} s"
        if free >= self._min_free_bytes:
            return "storage", None
        return (
            "storage",
            f"only {free} bytes are free; DARKROOM_STORAGE__MIN_FREE_BYTES asks for {self._min_free_bytes}",
        )

    async def _free_within(self, seconds: float) -> int | None:
        """What is free, or None when the disk does not answer; a look that hangs is waited for, not joined by more."""
        self._looking = self._looking or asyncio.create_task(self._free())
        await asyncio.wait([self._looking], timeout=seconds)
        if not self._looking.done():
            return None
        looked, self._looking = self._looking, None
        return looked.result()

    async def _free(self) -> int:
        """Bytes for the database and the archive, whichever has fewer."""
        in_store = await self._store.free_bytes()
        beside_database = await asyncio.to_thread(_free_bytes, self._data_dir)
        return min(beside_database, in_store if in_store is not None else beside_database)


def _free_bytes(path: Path) -> int:
    found = os.statvfs(path)
    return found.f_bavail * found.f_frsize
