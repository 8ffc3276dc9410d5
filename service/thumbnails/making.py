"""Thumbnails of archived images: looked up in the store, else made once for all who ask, and kept there.

The store is a convenience here: one that takes no writes costs time, nothing else. Nobody's image is changed.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from contextlib import aclosing, suppress

import structlog

from service.catalog.catalog import Catalog
from service.decoding.answer import is_whole_webp
from service.decoding.frames import LARGEST_ANSWER, Thumbnail
from service.decoding.pool import Decoded, Pool, is_heavy
from service.decoding.verdict import Unusable
from service.domain.asset import Asset, AssetStatus, Stored
from service.domain.thumbnail import thumbnail_key
from service.errors import CatalogUnavailable, StorageUnavailable, Unavailable
from service.observability.seldom import Seldom
from service.storage import Blocks, ObjectStore

WITHIN = 30.0
"""Seconds that a caller waits; what comes later is kept, and is there when they ask again."""

REMEMBERED = 1024
REMEMBERED_FOR = 300.0
"""Images without a thumbnail, and seconds: so often may one take a process down."""

log = structlog.get_logger(__name__)


class Thumbnails:
    """Gives thumbnails. `may_keep` says whether the store has room for what can be made again."""

    def __init__(
        self, *, catalog: Catalog, store: ObjectStore, pool: Pool, may_keep: Callable[[], Awaitable[bool]]
    ) -> None:
        self._catalog = catalog
        self._store = store
        self._pool = pool
        self._may_keep = may_keep
        self._under_way: dict[str, asyncio.Task[Decoded]] = {}
        self._without: OrderedDict[str, tuple[Unusable, float]] = OrderedDict()
        self._not_kept = Seldom("thumbnail_not_kept")

    async def stop(self) -> None:
        """Wait for what is under way; the pool is stopped before."""
        await asyncio.gather(*self._under_way.values(), return_exceptions=True)

    async def of(self, asset: Asset, size: int) -> Decoded:
        """The thumbnail of an archived image as a WebP of one of SIZES, or why there is none. Raises Unavailable."""
        assert asset.stored is not None
        key = thumbnail_key(asset.stored.object_key, size)
        if (kept := await self._kept(key)) is not None:
            return kept
        if (reason := self._remembered(key)) is not None:
            return reason
        if (task := self._under_way.get(key)) is None:
            task = asyncio.create_task(self._made(key, asset, asset.stored, size), name=key)
            self._under_way[key] = task
            task.add_done_callback(lambda done: self._end(key, done))
        try:
            async with asyncio.timeout(WITHIN):
                return await asyncio.shield(task)
        except TimeoutError:
            raise Unavailable("the thumbnail takes its time; ask again", retry_after=5) from None

    async def _made(self, key: str, asset: Asset, stored: Stored, size: int) -> Decoded:
        async def open_image() -> Blocks:
            blocks = await self._store.read(stored.object_key)
            if blocks is None:
                raise StorageUnavailable("the stored bytes are missing from the archive")
            return blocks

        order = Thumbnail(size, stored.sha256)
        made = await self._pool.decode(order, open_image, heavy=is_heavy(stored))
        if isinstance(made, Unusable):
            self._remember(key, made)
            log.warning("no_thumbnail", asset_id=asset.id, reason=made.value)
        else:
            await self._keep(key, made, asset)
        return made

    def _end(self, key: str, done: asyncio.Task[Decoded]) -> None:
        del self._under_way[key]
        if not done.cancelled():
            done.exception()  # seen, also where nobody waits any more

    async def _kept(self, key: str) -> bytes | None:
        """What the store has, if it is whole. A store that cannot be read is told by reading the image."""
        with suppress(StorageUnavailable):
            blocks = await self._store.read(key, 0, LARGEST_ANSWER)
            if blocks is not None:
                async with aclosing(blocks):
                    data = b"".join([block async for block in blocks])
                return data if is_whole_webp(data) else None
        return None

    async def _keep(self, key: str, made: bytes, asset: Asset) -> None:
        try:
            if not await self._may_keep():
                self._not_kept.tell(reason="the store has no room to spare")
                return
            await self._store.replace(key, made)
            if not await self._still_there(asset):  # its bytes may be purged already, and nothing comes after that
                await self._store.delete(key)
        except StorageUnavailable as error:
            self._not_kept.tell(reason=str(error))

    async def _still_there(self, asset: Asset) -> bool:
        try:
            now = await self._catalog.read(lambda tx: tx.query.asset(asset.task_id, asset.index))
        except CatalogUnavailable:
            return False
        return now is not None and now.status is AssetStatus.ARCHIVED

    def _remembered(self, key: str) -> Unusable | None:
        reason, until = self._without.get(key, (None, 0.0))
        return reason if time.monotonic() < until else None

    def _remember(self, key: str, reason: Unusable) -> None:
        self._without[key] = (reason, time.monotonic() + REMEMBERED_FOR)
        self._without.move_to_end(key)
        if len(self._without) > REMEMBERED:
            self._without.popitem(last=False)
