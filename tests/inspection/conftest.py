"""Tests of the work itself run on both databases."""

from pathlib import Path

import pytest

from tests.support.databases import Databases, databases_for


@pytest.fixture(params=["sqlite", "postgresql"])
def databases(request: pytest.FixtureRequest, tmp_path: Path) -> Databases:
    return databases_for(request, tmp_path)
