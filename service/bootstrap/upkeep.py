"""What `verify` and `rebuild` work on: the catalog and the store, beside a server or in its place."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from service.bootstrap.components import Schema, open_catalog
from service.bootstrap.storage import store_of
from service.catalog.catalog import Catalog
from service.errors import SettingsError
from service.server_lock import server_lock
from service.settings import Settings
from service.storage import ObjectStore


@contextmanager
def open_to_verify(settings: Settings) -> Iterator[tuple[Catalog, ObjectStore]]:
    """Both as they are: neither is made where it is missing, for then it could only be found empty."""
    if not settings.on_postgres and not settings.database_path.exists():
        raise SettingsError(
            f"DARKROOM_DATABASE_URL: there is no database at {settings.database_path}; "
            "`darkroom rebuild` makes one from the archive"
        )
    with open_catalog(settings) as catalog:
        yield catalog, store_of(settings)


@contextmanager
def open_to_rebuild(settings: Settings) -> Iterator[tuple[Catalog, ObjectStore]]:
    """An existing store, and a catalog that is made if need be. Raises SettingsError while a server works on it."""
    if settings.storage_bucket is None and not settings.storage_root.is_dir():
        raise SettingsError(
            f"DARKROOM_STORAGE__URL: there is no archive at {settings.storage_root}; mount or restore it first"
        )
    alone = nullcontext() if settings.on_postgres else server_lock(settings.database_path)
    with alone, open_catalog(settings, schema=Schema.UPGRADED) as catalog:
        if listening := catalog.servers():
            raise SettingsError(f"{listening} servers work on the database: stop them first")
        store = store_of(settings)
        store.open()
        yield catalog, store
