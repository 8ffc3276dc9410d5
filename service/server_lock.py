"""One server for one SQLite directory: the lock that makes clearing leases at start safe. Commands do not take it."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from service.errors import SettingsError


@contextmanager
def server_lock(data_dir: Path) -> Iterator[None]:
    """Hold the directory's lock; raises SettingsError when another server holds it. The kernel drops it on death."""
    path = data_dir / "serve.lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise SettingsError(
                f"another server already works in {data_dir}: stop it, or give this one its own DARKROOM_DATA_DIR"
            ) from None
        yield
    finally:
        os.close(descriptor)
