"""These tests run on both databases, wherever they ask for `catalog`, `ledger` or `databases`."""

from pathlib import Path

import pytest

from tests.support.databases import KINDS, Databases, databases_for


@pytest.fixture(params=KINDS)
def databases(request: pytest.FixtureRequest, tmp_path: Path) -> Databases:
    return databases_for(request, tmp_path)
