"""Looks at archived images, as leased work that follows archiving and never holds it up: bytes → `details` of an asset.

An image that cannot be decoded has that for an answer; troubles of our own count for nothing and are tried again.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import aiofiles
import structlog

from service.archive.staged_file import StagedFile, staged_path
from service.background import Nudge
from service.catalog.catalog import Catalog, Transaction
from service.catalog.details import ClaimedDetails
from service.catalog.tasks import TaskState
from service.decoding.frames import Look
from service.decoding.pool import Decoded, Open, is_heavy
from service.decoding.seen import Seen, read_seen
from service.decoding.verdict import Unusable
from service.domain.asset import Asset, AssetStatus, Stored
from service.domain.details import Looked
from service.errors import StorageUnavailable
from service.inspection.header import read_header
from service.inspection.parts import ImageFile
from service.storage import BLOCK_BYTES, Blocks, ObjectStore
from service.storage.health import require_healthy

UNTIL_MENDED = timedelta(days=1)
"""How long an image is left alone whose bytes are gone, damaged or cannot be read: `verify` tells of it."""

FRESH = timedelta(hours=1)
"""Images that were archived longer ago are looked at slowly: there may be a million of them. So are new ones while
links wait to be fetched, which die; these do not."""

REST = 3.0
"""Times what looking at an image took, before the next one: so they never take more than a quarter of a processor."""

LONG_REST = 15.0
"""The same while links wait: decoding an image takes as long as fetching several, and they wait for that."""

APPENDED_AT_ONCE = 4

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Damaged:
    """Why the stored bytes are not those that were archived."""

    detail: str


class Decoders(Protocol):
    """A pool of processes, as far as it is needed here."""

    async def decode(self, order: Look, open_image: Open, *, heavy: bool) -> Decoded: ...


def _nothing_more_urgent() -> bool:
    return False


class Inspector:
    """Looks at claimed images; without `decoders` only at what their files say.

    While `pressed` there is more urgent work: new images are looked at one by one, too, and all with a long rest.
    """

    def __init__(
        self,
        *,
        catalog: Catalog,
        store: ObjectStore,
        sidecars: Nudge,
        decoders: Decoders | None,
        rest: float = REST,
        long_rest: float = LONG_REST,
        pressed: Callable[[], bool] = _nothing_more_urgent,
    ) -> None:
        self._catalog = catalog
        self._store = store
        self._sidecars = sidecars
        self._decoders = decoders
        self._rest = rest
        self._long_rest = long_rest
        self._pressed = pressed
        self._slowly = asyncio.Lock()

    async def claim(self, limit: int) -> list[ClaimedDetails]:
        """Images to look at; no old ones while one is at work, and none beside it while pressed."""
        if self._pressed():
            limit = 0 if self._slowly.locked() else 1
        if limit == 0:
            return []
        wanted = Looked.AT_THE_FILE if self._decoders is None else Looked.AT_THE_PIXELS
        since = datetime.now(UTC) - FRESH if self._slowly.locked() else None
        return await self._catalog.write(lambda tx: tx.details.claim(limit, wanted=wanted, since=since))

    async def release(self, claimed: ClaimedDetails, *, after: timedelta = timedelta()) -> None:
        await self._catalog.write(lambda tx: tx.details.release(claimed, after=after or None))

    async def work(self, claimed: ClaimedDetails) -> None:
        """Look at one image. Raises Unavailable when our own storage, database or process is at fault."""
        is_new = claimed.archived_at is None or datetime.now(UTC) - claimed.archived_at < FRESH
        if is_new and not self._pressed():
            await self._look(claimed)
            return
        if self._slowly.locked():  # it would wait in a place that new ones need
            await self.release(claimed)
            return
        async with self._slowly:
            started = time.monotonic()
            await self._look(claimed)
            rest = self._long_rest if self._pressed() else self._rest
            await asyncio.sleep(rest * (time.monotonic() - started))

    async def _look(self, claimed: ClaimedDetails) -> None:
        asset = await self._catalog.read(lambda tx: tx.query.asset(claimed.task_id, claimed.index))
        if asset is None or asset.status is not AssetStatus.ARCHIVED or asset.stored is None:
            await self.release(claimed)
            return
        details = await self._details(asset.stored)
        line = log.bind(task_id=claimed.task_id, index=claimed.index)
        if isinstance(details, _Damaged):
            line.error("details_not_read", reason=details.detail)
            await self.release(claimed, after=UNTIL_MENDED)
            return
        counted = await self._catalog.write(partial(record, claimed=claimed, stored=asset.stored, details=details))
        line.debug("details_recorded", counted=counted, unreadable=details["unreadable"])
        self._sidecars.nudge()

    async def _details(self, stored: Stored) -> dict[str, Any] | _Damaged:
        """Everything that the bytes tell. Raises Unavailable."""
        staged = StagedFile(staged_path(self._store.staging))
        try:
            damaged = await self._bring(stored, staged)
            if damaged is not None:
                return damaged
            header = await asyncio.to_thread(_header, staged, stored)
            seen = await self._seen(staged, stored) if self._decoders is not None else None
        finally:
            staged.discard()
        return document(header, seen)

    async def _seen(self, staged: StagedFile, stored: Stored) -> Seen | Unusable:
        """What a process says of the pixels; one that says nonsense was taken over by the image, and has no say."""

        async def open_image() -> Blocks:
            return _blocks(staged.path)

        assert self._decoders is not None
        made = await self._decoders.decode(Look(), open_image, heavy=is_heavy(stored))
        return made if isinstance(made, Unusable) else read_seen(made) or Unusable.CRASHED

    async def _bring(self, stored: Stored, staged: StagedFile) -> _Damaged | None:
        """Copy the object to a file, and see that it is what was archived."""
        try:
            blocks = await self._store.read(stored.object_key)
            if blocks is None:
                return _Damaged("there is no such object")
            waiting = [b""]
            async with aclosing(blocks):
                async for block in blocks:
                    waiting.append(block)
                    if staged.size > stored.size:
                        break
                    if len(waiting) >= APPENDED_AT_ONCE:
                        await staged.append(waiting)
            await staged.append(waiting)
        except StorageUnavailable as error:
            await require_healthy(self._store, stored.object_key)
            return _Damaged(str(error))
        return None if staged.sha256 == stored.sha256 else _Damaged("it is not what was archived")


def _header(staged: StagedFile, stored: Stored) -> dict[str, Any]:
    with staged.path.open("rb") as file:
        return read_header(ImageFile(file, stored.size, stored.image.format))


async def _blocks(path: Path) -> Blocks:
    try:
        async with aiofiles.open(path, "rb") as file:
            while block := await file.read(BLOCK_BYTES):
                yield block
    except OSError as error:
        raise StorageUnavailable(f"cannot read {path.parent}: {error.strerror}") from error


def document(header: dict[str, Any], seen: Seen | Unusable | None) -> dict[str, Any]:
    """The `details` of an image: what was seen of its pixels, or why nothing was, or None if nobody asked."""
    looked = Looked.AT_THE_FILE if seen is None else Looked.AT_THE_PIXELS
    pixels = asdict(seen) if isinstance(seen, Seen) else None
    transparent = pixels.pop("transparent") if pixels is not None else None
    return {
        "version": looked.value,
        **header,
        "colour": {**header["colour"], "transparent": transparent},
        "pixels": pixels,
        "unreadable": seen.value if isinstance(seen, Unusable) else None,
    }


def record(tx: Transaction, *, claimed: ClaimedDetails, stored: Stored, details: dict[str, Any]) -> bool:
    """Write details down, and have the sidecar follow, if the claim and the bytes are still the same; whether so."""
    state = tx.tasks.get(claimed.task_id)
    if state is None or not tx.details.holds(claimed):
        return False
    asset = state.assets[claimed.index]
    same = asset.status is AssetStatus.ARCHIVED and asset.stored == stored
    if same:
        tx.tasks.save([(state, _with(state, replace(asset, details=details)))])
    tx.details.release(claimed)
    return same


def _with(state: TaskState, asset: Asset) -> TaskState:
    assets = tuple(asset if asset.index == one.index else one for one in state.assets)
    return TaskState(replace(state.task, version=state.task.version + 1), assets)
