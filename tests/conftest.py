"""Settings of the test tools that hold for every test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from service.catalog.catalog import Catalog

# shared machines stall now and then: a slow example is no finding
settings.register_profile("darkroom", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("darkroom")


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    """A catalog on disk, migrated."""
    opened = Catalog(tmp_path / "darkroom.db")
    opened.open()
    opened.upgrade()
    yield opened
    opened.close()
