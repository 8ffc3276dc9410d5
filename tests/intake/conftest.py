"""These tests run on both databases, wherever they ask for `catalog`, `ledger` or `databases`; `make test-all` does."""

from pathlib import Path

import pytest

from tests.support.databases import POSTGRESQL, Databases, databases_for


@pytest.fixture(params=["sqlite", POSTGRESQL])
def databases(request: pytest.FixtureRequest, tmp_path: Path) -> Databases:
    return databases_for(request, tmp_path)
