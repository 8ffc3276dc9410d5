"""These tests run on both databases and behind a pooling proxy, if they ask for `catalog`, `ledger` or `databases`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.databases import POOLED, POSTGRESQL, Databases, databases_for
from tests.support.packages import require
from tests.support.pgbouncer import PACKAGES, PooledDatabases, pgbouncer
from tests.support.postgres import PostgresDatabases


@pytest.fixture(scope="session")
def pooled(request: pytest.FixtureRequest, postgres: PostgresDatabases) -> Iterator[PooledDatabases]:
    require(request, PACKAGES)
    with pgbouncer(postgres.url) as proxy:
        yield PooledDatabases(postgres, proxy)


@pytest.fixture(params=["sqlite", POSTGRESQL, POOLED])
def databases(request: pytest.FixtureRequest, tmp_path: Path) -> Databases:
    return databases_for(request, tmp_path)
