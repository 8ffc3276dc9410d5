"""A database that is current already: hundreds of tests need one, and migrating each would take longer than they do."""

import tempfile
from functools import cache
from pathlib import Path

from service.catalog.catalog import Catalog


def put_migrated(path: Path) -> Path:
    """Put an empty database of this version's schema at a path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_migrated())
    return path


@cache
def _migrated() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "darkroom.db"
        catalog = Catalog(path)
        catalog.open()
        catalog.upgrade()
        catalog.close()
        return path.read_bytes()
