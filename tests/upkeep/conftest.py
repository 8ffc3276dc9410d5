"""An archive on disk for the tests of upkeep."""

from pathlib import Path

import pytest

from service.catalog.catalog import Catalog
from tests.upkeep.kept_archive import Archive, opened_archive


@pytest.fixture
def archive(tmp_path: Path, catalog: Catalog) -> Archive:
    return opened_archive(tmp_path, catalog)
