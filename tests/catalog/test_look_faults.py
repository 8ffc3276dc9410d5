"""Looking for damage before it shows: found wherever it is, told in one line, and bounded in time."""

import sqlite3
from pathlib import Path

import pytest

from service.catalog.catalog import Catalog
from service.errors import CatalogUnavailable
from tests.support.databases import on_sqlite
from tests.support.migrated import put_migrated

PAGE = 4096


def damaged(path: Path, table: str) -> Path:
    """A database of which the first page of one table is overwritten."""
    put_migrated(path)
    reader = sqlite3.connect(path)
    (page,) = reader.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,)).fetchone()
    reader.close()
    content = bytearray(path.read_bytes())
    content[(page - 1) * PAGE : page * PAGE] = b"\x5a" * PAGE
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("table", ["tasks", "assets", "callbacks", "signed_links"])
def test_damage_is_found_in_any_table_and_told_in_one_line(tmp_path: Path, table: str) -> None:
    catalog = Catalog(damaged(tmp_path / "x.db", table))
    catalog.open()
    with pytest.raises(CatalogUnavailable, match=r"x\.db is damaged .*darkroom rebuild") as raised:
        catalog.require_sound(within=10)
    assert "\n" not in str(raised.value)
    catalog.close()


def test_a_sound_database_passes_and_a_look_without_time_finds_nothing(catalog: Catalog) -> None:
    catalog.require_sound(within=10)
    catalog.require_sound(within=0)


@on_sqlite
async def test_why_nothing_is_committed_can_be_asked_by_who_still_waits(catalog: Catalog, tmp_path: Path) -> None:
    database = tmp_path / "darkroom.db"
    database.rename(tmp_path / "aside")
    with pytest.raises(CatalogUnavailable):
        await catalog.prove_writable()
    assert "removed" in (catalog.trouble or "")
    (tmp_path / "aside").rename(database)
    await catalog.prove_writable()
    assert catalog.trouble is None
