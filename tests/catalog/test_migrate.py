"""Migrations and tables say the same."""

from pathlib import Path

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from service.catalog.catalog import Catalog
from service.catalog.engine import Engine
from service.catalog.postgres import PostgresEngine
from service.catalog.sqlite import SqliteEngine
from service.catalog.tables import metadata
from tests.support.databases import Databases


def differences(connection: sa.Connection) -> object:
    """All but the index of words, which SQLite has as tables of its own."""
    own = ("search_index", "ix_search_terms") if connection.dialect.name == "sqlite" else ()
    options = {"include_object": lambda _, name, *__: not (name or "").startswith(own)} if own else {}
    return compare_metadata(MigrationContext.configure(connection, opts=options), metadata)


def test_migrations_make_exactly_the_declared_tables(databases: Databases) -> None:
    where = databases.new()
    engine: Engine = SqliteEngine(where) if isinstance(where, Path) else PostgresEngine(where)
    engine.open()
    assert engine.read_now(differences) == []
    engine.close()


def test_a_new_database_names_the_revision_it_lacks(databases: Databases) -> None:
    catalog = Catalog(databases.new(migrated=False))
    catalog.open()
    assert (catalog.is_new(), catalog.missing_revision()) == (True, "0010")
    catalog.upgrade()
    assert (catalog.is_new(), catalog.missing_revision()) == (False, None)
    catalog.close()
