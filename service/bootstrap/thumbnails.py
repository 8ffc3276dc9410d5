"""Thumbnails as the settings want them."""

from service.catalog.catalog import Catalog
from service.decoding.pool import Pool
from service.settings import Settings
from service.storage import ObjectStore
from service.storage.filesystem import FilesystemStore
from service.thumbnails.making import Thumbnails


def thumbnails_of(settings: Settings, catalog: Catalog, store: ObjectStore, decoders: Pool) -> Thumbnails:
    """The maker of thumbnails, not started. Room that is kept free for images is not theirs; a bucket has enough."""

    async def may_keep() -> bool:
        if not isinstance(store, FilesystemStore):
            return True
        free = await store.free_bytes()
        return free is None or free >= settings.storage.min_free_bytes

    return Thumbnails(catalog=catalog, store=store, pool=decoders, may_keep=may_keep)
