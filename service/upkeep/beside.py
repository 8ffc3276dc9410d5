"""What lies beside a sidecar, held against what it tells: bytes that are gone or damaged, and bytes that are new."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from service.archive.sidecar_reader import SidecarRead
from service.domain.asset import Asset, AssetReason, AssetStatus, Stored
from service.domain.place import place_of
from service.storage import ObjectStore
from service.upkeep.findings import Finding, Kind
from service.upkeep.folders import Folder
from service.upkeep.proof import proven
from service.upkeep.stored_bytes import Trouble, measure


@dataclass(frozen=True, slots=True)
class Beside:
    """By index: what is wrong with archived bytes, and proven bytes of images that are not archived.

    `purged` are deleted images of which nothing is left; `noted` is what is wrong and changes nothing.
    """

    lost: Mapping[int, Finding]
    found: Mapping[int, Stored]
    purged: frozenset[int]
    noted: tuple[Finding, ...]


class Surroundings:
    """Looks beside sidecars; sizes are known from the listing, `hashing` reads archived images whole."""

    def __init__(self, *, store: ObjectStore, hashing: bool, max_pixels: int, turn: asyncio.Semaphore) -> None:
        self._store = store
        self._hashing = hashing
        self._max_pixels = max_pixels
        self._turn = turn

    async def look(self, folder: Folder, read: SidecarRead) -> Beside:
        """Raises StorageUnavailable when the store itself is ill."""
        archived = [asset for asset in read.assets if asset.status is AssetStatus.ARCHIVED]
        wrong = [finding for asset in archived if (finding := await self._wrong(folder, asset)) is not None]
        noted = [finding for finding in wrong if finding.kind is Kind.UNREADABLE]  # it may only be a file's owner
        lost = {finding.index: finding for finding in wrong if finding not in noted and finding.index is not None}
        deleted = {asset.index for asset in read.assets if asset.status is AssetStatus.DELETED}
        present = {place.index for key in folder.sizes if (place := place_of(key)) is not None}
        told = {asset.stored.object_key for asset in read.assets if asset.stored is not None} | {folder.sidecar}
        found: dict[int, Stored] = {}
        for key in sorted(folder.sizes.keys() - told):
            asset = _asset(read, key)
            if asset is not None and asset.index in deleted:
                continue  # left for the purge
            stored = await self._proven(key, read, asset, lost) if asset is not None else None
            if stored is not None and asset is not None and asset.index not in found:
                found[asset.index] = stored
            else:
                noted.append(_unknown(key, folder.task_id, asset))
        return Beside(lost, found, frozenset(deleted - present), tuple(noted))

    async def _wrong(self, folder: Folder, asset: Asset) -> Finding | None:
        stored = asset.stored
        assert stored is not None, "the reader sees to that"
        key, size = stored.object_key, folder.sizes.get(stored.object_key)
        if size is None:
            return Finding(Kind.MISSING, key, "its archived bytes were gone", asset.task_id, asset.index)
        if size != stored.size:
            detail = f"its archived bytes were damaged: {size} bytes instead of {stored.size}"
            return Finding(Kind.WRONG_SIZE, key, detail, asset.task_id, asset.index)
        if not self._hashing:
            return None
        async with self._turn:
            measured = await measure(self._store, key, hashing=True)
        if isinstance(measured, Trouble):
            return Finding(Kind.UNREADABLE, key, measured.detail, asset.task_id, asset.index)
        if measured is None:
            return Finding(Kind.MISSING, key, "its archived bytes were gone", asset.task_id, asset.index)
        if measured.sha256 == stored.sha256:
            return None
        detail = f"its archived bytes were damaged: SHA-256 {measured.sha256}"
        return Finding(Kind.WRONG_HASH, key, detail, asset.task_id, asset.index)

    async def _proven(self, key: str, read: SidecarRead, asset: Asset, lost: Mapping[int, Finding]) -> Stored | None:
        """The image that these bytes are, if it is one that the sidecar could not tell of yet, or lost."""
        at_rest = asset.status is AssetStatus.ARCHIVED and asset.index not in lost
        if at_rest or asset.reason is AssetReason.REFUTED:
            return None
        async with self._turn:
            stored = await proven(self._store, key, read.task, asset.index, max_pixels=self._max_pixels)
        deleted = [one.stored for one in read.assets if one.status is AssetStatus.DELETED]
        is_deleted = stored is not None and any(one.sha256 == stored.sha256 for one in deleted if one is not None)
        return None if is_deleted else stored


def _asset(read: SidecarRead, key: str) -> Asset | None:
    """The image that a name stands for."""
    place = place_of(key)
    index = place.index if place is not None else None
    return read.assets[index] if index is not None and index < len(read.assets) else None


def _unknown(key: str, task_id: str, asset: Asset | None) -> Finding:
    if asset is None:
        return Finding(Kind.UNKNOWN_FILE, key, "its sidecar tells of no such image", task_id)
    return Finding(Kind.LEFTOVER, key, "not the image that its sidecar tells of", task_id, asset.index)
