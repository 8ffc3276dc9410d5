"""These tests run on both databases, wherever they ask for `world` or `databases`; `make test-all` does."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.notify.world import World, world_in
from tests.support.databases import POSTGRESQL, Databases, databases_for


@pytest.fixture(params=["sqlite", POSTGRESQL])
def databases(request: pytest.FixtureRequest, tmp_path: Path) -> Databases:
    return databases_for(request, tmp_path)


@pytest.fixture
def world(databases: Databases) -> Iterator[World]:
    """A catalog without tasks, and one endpoint that wants to hear of everything."""
    with world_in(databases) as opened:
        yield opened
