"""New databases for tests, of either kind; a test that asks for `databases` runs on each of them."""

import sqlite3
from pathlib import Path
from typing import Protocol

import pytest

from tests.support.dump import Dump, dump
from tests.support.migrated import put_migrated
from tests.support.pgbouncer import PooledDatabases
from tests.support.postgres import PostgresDatabases


class Databases(Protocol):
    """Where new databases come from."""

    def new(self, *, migrated: bool = True) -> Path | str:
        """Where an empty database is, of this version's schema or without one."""

    def run(self, sql: str) -> None:
        """Change the database that was made last behind the catalog's back, as time or another process would."""

    def dump(self) -> Dump:
        """Everything in the database that was made last."""


class SqliteDatabases:
    """Files in one folder; the first is `darkroom.db`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made = 0

    @property
    def _last(self) -> Path:
        return self._folder / ("darkroom.db" if self._made == 1 else f"darkroom-{self._made}.db")

    def new(self, *, migrated: bool = True) -> Path:
        self._made += 1
        return put_migrated(self._last) if migrated else self._last

    def run(self, sql: str) -> None:
        connection = sqlite3.connect(self._last, isolation_level=None)
        connection.execute(sql)
        connection.close()

    def dump(self) -> Dump:
        return dump(self._last)


def databases_for(request: pytest.FixtureRequest, tmp_path: Path) -> Databases:
    """What a parametrised fixture gives for its kind; a server is started when the first test needs it."""
    if request.param == "sqlite":
        return SqliteDatabases(tmp_path)
    fixture = "postgres" if request.param == "postgresql" else request.param
    server: PostgresDatabases | PooledDatabases = request.getfixturevalue(fixture)
    request.addfinalizer(server.drop_made)
    return server


on_sqlite = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
"""For tests of what only SQLite does, or that look into its file."""

POSTGRESQL = pytest.param("postgresql", marks=pytest.mark.long)
on_postgres = pytest.mark.parametrize("databases", [POSTGRESQL], indirect=True)

POOLED = pytest.param("pooled", marks=pytest.mark.long)
"""The same behind PgBouncer, where each transaction may run on another connection."""

on_shared = pytest.mark.parametrize("databases", [POSTGRESQL, POOLED], indirect=True)
"""For tests of several processes on one database."""
