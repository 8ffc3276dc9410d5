"""A catalog on disk, migrated, for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from service.catalog.catalog import Catalog


@pytest.fixture
async def catalog(tmp_path: Path) -> AsyncIterator[Catalog]:
    opened = Catalog(tmp_path / "darkroom.db")
    opened.open()
    opened.upgrade()
    yield opened
    opened.close()
