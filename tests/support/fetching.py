"""A fetcher without a network, and the archive's work done step by step. Nothing here opens a connection."""

import asyncio
import hashlib
import secrets
from collections.abc import Mapping
from pathlib import Path

from service.archive.archiver import Archiver, Fetches
from service.archive.fetcher import Fetched
from service.archive.purge import Purge
from service.archive.sidecar_writer import SidecarWriter
from service.background import Nudge
from service.catalog.catalog import Catalog
from service.catalog.work import ClaimedAsset
from service.domain.attempt import Failed
from service.domain.image import Image, ImageFormat
from service.observability import Metrics
from service.storage import ObjectStore

IMAGE = Image(ImageFormat.PNG, 8, 6)


def picture(link: str) -> bytes:
    """The bytes that a link leads to where nothing else is said; different for each."""
    return b"\x89PNG\r\n\x1a\n" + hashlib.sha256(link.encode()).digest() * 8


class FakeFetcher:
    """Brings what `answers` has for a link, else `picture(link)`; with `gate` it waits for that before it answers."""

    def __init__(
        self,
        staging: Path,
        answers: Mapping[str, bytes | Failed | Exception] | None = None,
        *,
        gate: asyncio.Event | None = None,
    ) -> None:
        self._folder = staging
        self._answers = answers or {}
        self._gate = gate
        self.asked: list[str] = []
        self.began = asyncio.Event()

    async def fetch(self, link: str) -> Fetched | Failed:
        self.asked.append(link)
        self.began.set()
        if self._gate is not None:
            await self._gate.wait()
        answer = self._answers.get(link, picture(link))
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, Failed):
            return answer
        path = self._folder / secrets.token_hex(8)
        path.write_bytes(answer)
        return Fetched(path, hashlib.sha256(answer).hexdigest(), len(answer), IMAGE)


def archiver_for(catalog: Catalog, store: ObjectStore, fetcher: Fetches, *, metrics: Metrics | None = None) -> Archiver:
    """An archiver whose jitter is none."""
    return Archiver(
        catalog=catalog,
        store=store,
        fetcher=fetcher,
        metrics=metrics or Metrics(),
        sidecars=Nudge(),
        purge=Nudge(),
        reconcile=Nudge(),
        jitter=lambda: 0.5,
    )


async def archive_due(archiver: Archiver) -> list[ClaimedAsset]:
    """One attempt at each asset that is due; which they were."""
    claimed = await archiver.claim(100)
    for one in claimed:
        await archiver.work(one)
    return claimed


async def write_sidecars(catalog: Catalog, store: ObjectStore) -> int:
    """Write every sidecar that is due; how many."""
    writer = SidecarWriter(catalog=catalog, store=store)
    claimed = await writer.claim(100)
    for one in claimed:
        await writer.work(one)
    return len(claimed)


async def purge_due(catalog: Catalog, store: ObjectStore) -> None:
    await Purge(catalog=catalog, store=store, nudge=Nudge()).purge_all()
