"""One server for one SQLite database: the lock that makes clearing leases at start safe. Commands do not take it."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from service.errors import SettingsError


@contextmanager
def server_lock(database: Path) -> Iterator[None]:
    """Hold the lock beside a database file; raises SettingsError when another server holds it or it cannot be made.

    The kernel drops it when the process dies, however it dies.
    """
    path = database.with_name(f"{database.name}.lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise SettingsError(f"{path} cannot be written ({error.strerror}): make DARKROOM_DATA_DIR writable") from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise SettingsError(
                f"another server already works on {database}: stop it, or give this one its own DARKROOM_DATA_DIR; "
                "several servers can share a PostgreSQL database only (DARKROOM_DATABASE_URL)"
            ) from None
        yield
    finally:
        os.close(descriptor)
