"""Migrations and tables say the same."""

from pathlib import Path

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from service.catalog.catalog import Catalog
from service.catalog.tables import metadata


def test_migrations_make_exactly_the_declared_tables(catalog: Catalog, tmp_path: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'darkroom.db'}")
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
    engine.dispose()
    assert differences == []
    assert catalog.missing_revision() is None


def test_a_new_database_names_the_revision_it_lacks(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "new.db")
    catalog.open()
    assert catalog.missing_revision() == "0003"
    catalog.close()
