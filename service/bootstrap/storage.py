"""The store as the settings describe it: a folder, or a bucket with a staging folder beside the database."""

from service.bootstrap.provider import USER_AGENT
from service.errors import SettingsError
from service.settings import Role, Settings
from service.storage.bucket import Patience, WrongOptions, open_clients
from service.storage.cloud import CloudStore
from service.storage.filesystem import FilesystemStore

Store = FilesystemStore | CloudStore

STAGING = "staging"


def store_of(settings: Settings) -> Store:
    """The store, not opened: nothing is made or asked. Raises SettingsError for options that a bucket does not take."""
    bucket = settings.storage_bucket
    if bucket is None:
        return FilesystemStore(settings.storage_root)
    patience = Patience()
    options = {name: value.get_secret_value() for name, value in settings.storage.options.items()}
    ca = settings.tls.ca_file.read_bytes() if settings.tls.ca_file else None
    try:
        clients = open_clients(bucket, options=options, ca=ca, user_agent=USER_AGENT, patience=patience)
    except WrongOptions as error:
        raise SettingsError(f"DARKROOM_STORAGE__OPTIONS: {error}") from None
    return CloudStore(clients, place=str(bucket), staging=settings.data_dir / STAGING, patience=patience)


def place_of_store(settings: Settings) -> str:
    """What people call it."""
    return str(settings.storage_bucket or settings.storage_root)


def open_store(settings: Settings, *, expected: bool) -> Store:
    """The store of a server. Raises StorageUnavailable where it cannot be used; see the stores for `expected`.

    A process that archives nothing starts without its bucket, too: what it is there for needs the database only.
    """
    store = store_of(settings)
    archives = Role.ARCHIVER in settings.roles
    store.open(expected=expected or (isinstance(store, CloudStore) and not archives))
    return store
