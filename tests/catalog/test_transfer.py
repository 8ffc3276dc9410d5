"""Rows out of one database and into another: all of them, as they were, whichever two databases these are."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from service.catalog.catalog import Catalog, Transaction
from service.catalog.columns import UtcTime, metadata
from service.catalog.fingerprint import fingerprint
from service.catalog.marks import COPYING
from service.catalog.tables import duties, search
from service.catalog.tasks import TaskState
from service.catalog.transfer import CLAIMS, MOST_CHARACTERS, MOST_ROWS, TABLES, Row
from service.domain.task import Task
from service.errors import SettingsError
from tests.support.databases import Databases, SqliteDatabases
from tests.support.deliveries import NOW
from tests.support.dump import dump

ROWS = 7
JSON = ('{"b": 1.50, "a": [null, "\\u0000", 12345678901234567890]}', "null", '{"a": 1, "a": 2}', '"text"', "17.0", "[]")


def odd(column: sa.Column[Any], number: int) -> Any:
    """A value that a column may hold, and that is easily lost."""
    if column.foreign_keys and not isinstance(column.type, sa.Integer):
        return f"id-{number} \U0001f600"
    if column.foreign_keys:
        return number * 5  # as the key that it refers to
    if column.name in CLAIMS or (column.nullable and number % 3 == 0):
        return None
    match column.type:
        case sa.Boolean():
            return number % 2
        case sa.Integer():
            return number * 5 if column.primary_key else number
        case sa.LargeBinary():
            return bytes(range(256)) * number
        case UtcTime():
            return f"2026-05-0{number} 12:34:56.{number:06}"
        case sa.Date():
            return f"2026-05-0{number}"
        case sa.JSON():
            return JSON[number % len(JSON)]
        case _:
            return f"{column.name}-{number} \U0001f600"


def filled(path: Path, rows: int = ROWS) -> Path:
    """A SQLite database with odd rows in every table."""
    with closing(sqlite3.connect(path)) as connection, connection:
        for name in TABLES:
            columns = list(metadata.tables[name].c)
            names, places = ", ".join(f'"{one.name}"' for one in columns), ", ".join("?" * len(columns))
            values = [[odd(column, number) for column in columns] for number in range(1, rows + 1)]
            connection.executemany(f'INSERT INTO "{name}" ({names}) VALUES ({places})', values)
    return path


@contextmanager
def opened(where: Path | str) -> Iterator[Catalog]:
    catalog = Catalog(where)
    catalog.open()
    yield catalog
    catalog.close()


async def move(source: Catalog, target: Catalog) -> None:
    for name in TABLES:
        after = None
        while ends := await source.read(lambda tx: tx.transfer.ends(name, after)):  # noqa: B023 - run at once
            for until in ends:
                rows = await source.read(partial(page_of, name=name, after=after, until=until))
                await target.write(partial(put, name=name, after=after, until=until, rows=rows))
                after = until
        await target.write(lambda tx: tx.transfer.cut_off(name, after))  # noqa: B023 - run at once
    await target.write(lambda tx: tx.transfer.conclude())


def page_of(tx: Transaction, *, name: str, after: Any, until: Any) -> list[Row]:
    return tx.transfer.rows(name, after, until)


def put(tx: Transaction, *, name: str, after: Any, until: Any, rows: list[Row]) -> None:
    tx.transfer.replace(name, after, until, rows)


async def all_rows(catalog: Catalog, name: str) -> list[Row]:
    """Of a table that is one page."""

    def read(tx: Transaction) -> list[Row]:
        [until] = tx.transfer.ends(name, None)
        return tx.transfer.rows(name, None, until)

    return await catalog.read(read)


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Catalog]:
    folder = tmp_path / "source"
    folder.mkdir()
    with opened(filled(SqliteDatabases(folder).new())) as catalog:
        yield catalog


async def test_rows_come_back_as_they_were_by_way_of_either_database(
    source: Catalog, databases: Databases, tmp_path: Path
) -> None:
    folder = tmp_path / "back"
    folder.mkdir()
    back = SqliteDatabases(folder).new()
    with opened(databases.new()) as between, opened(back) as target:
        await move(source, between)
        for name in TABLES:
            assert [row.sha256 for row in await all_rows(between, name)] == [
                row.sha256 for row in await all_rows(source, name)
            ]
        await move(between, target)
    assert len(dump(back)["tasks"]) == ROWS
    assert dump(back) == dump(tmp_path / "source" / "darkroom.db")


async def test_json_null_is_not_the_same_as_no_value(source: Catalog, databases: Databases) -> None:
    with opened(databases.new()) as target:
        await move(source, target)
        rows = [row.values for row in await all_rows(target, "tasks")]
    parameters = [row["parameters"] for row in rows]
    assert (parameters[0], parameters[2], parameters.count(None)) == ("null", None, 2)
    assert [rows[1]["tags"], rows[5]["tags"]] == [JSON[2], JSON[0]], "JSON is kept to the letter"


async def test_a_nul_in_text_becomes_a_replacement(source: Catalog, databases: Databases, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "source" / "darkroom.db")) as connection, connection:
        connection.execute("UPDATE tasks SET prompt = 'a' || char(0) || 'b' WHERE seq = 5")
    with opened(databases.new()) as target:
        await move(source, target)
        [before, after] = [(await all_rows(one, "tasks"))[0] for one in (source, target)]
    assert after.values["prompt"] == "a\ufffdb"
    assert before.sha256 == after.sha256, "no difference is seen in what cannot be kept"


async def test_claims_are_not_taken_along(databases: Databases, tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    path = filled(SqliteDatabases(tmp_path / "source").new())
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE tasks SET check_claim = 'x', sidecar_claim = 'x', check_until = received_at")
        connection.execute("UPDATE assets SET claim = 'x', claimed_until = created_at")
        connection.execute("INSERT INTO duties VALUES ('sweep', 'x', '2026-05-01 12:00:00.000000')")
    with opened(path) as source, opened(databases.new()) as target:
        await move(source, target)
    there = databases.dump()
    assert there["duties"] == []
    assert [row for name in ("tasks", "assets") for row in there[name] if "x" in row] == []


def test_every_table_is_taken_along_and_every_claim_is_known() -> None:
    assert {*TABLES, duties.name, search.name} == set(metadata.tables)
    columns = {column.name: column for name in TABLES for column in metadata.tables[name].c}
    assert {name for name in columns if name.endswith(("claim", "_until"))} == CLAIMS
    assert all(columns[name].nullable for name in CLAIMS)


async def test_new_keys_come_after_those_that_were_copied(source: Catalog, databases: Databases) -> None:
    with opened(databases.new()) as target:
        await move(source, target)
        await target.write(lambda tx: tx.tasks.save([(None, _state("task-new"))]))
        assert [row.key for row in await all_rows(target, "tasks")][-1] == ROWS * 5 + 1


def _state(task_id: str) -> TaskState:
    return TaskState(Task(task_id, "evolink", NOW), ())


async def test_pages_are_bounded_in_rows_and_in_characters(databases: Databases, tmp_path: Path) -> None:
    with opened(databases.new()) as catalog:
        many = [_state(f"task-{number}") for number in range(MOST_ROWS + 5)]
        await catalog.write(lambda tx: tx.tasks.save([(None, one) for one in many]))
        ends = await catalog.read(lambda tx: tx.transfer.ends("tasks", None))
        assert ends == [MOST_ROWS, MOST_ROWS + 5]
        databases.run(f"UPDATE tasks SET prompt = '{'x' * (MOST_CHARACTERS * 2 // 3)}' WHERE seq <= 3")
        ends = await catalog.read(lambda tx: tx.transfer.ends("tasks", None))
        assert ends == [1, 2, 202, 205], "two such rows are too many for a page, and one is not"


async def test_a_page_is_replaced_whatever_stood_in_its_way(source: Catalog, databases: Databases) -> None:
    with opened(databases.new()) as target:
        await move(source, target)
        for change in (
            "DELETE FROM assets WHERE seq < 30",
            "UPDATE tasks SET id = 'stale', prompt = 'stale' WHERE seq = 5",
            "UPDATE tasks SET seq = 99 WHERE seq = 10",
            "UPDATE tasks SET seq = 10 WHERE seq = 35",
            "UPDATE callbacks SET id = -4 WHERE id = 5",
            "INSERT INTO marks SELECT 'stray', received_at FROM callbacks WHERE id = 10",
        ):
            databases.run(change)
        await move(source, target)
        for name in TABLES:
            assert await all_rows(target, name) == await all_rows(source, name)


async def test_the_mark_of_a_copy_belongs_to_the_target(source: Catalog, databases: Databases) -> None:
    with opened(databases.new()) as target:
        await target.write(lambda tx: tx.marks.set(f"{COPYING}/some/where", tx.now))
        await move(source, target)
        with pytest.raises(SettingsError, match="unfinished copy of /some/where: run the same `darkroom copy` again"):
            target.require_whole()
        assert await target.read(lambda tx: tx.transfer.count("marks")) == ROWS
        await target.write(lambda tx: tx.marks.remove(f"{COPYING}/some/where"))
        target.require_whole()


async def test_marks_alone_are_no_rows(databases: Databases) -> None:
    with opened(databases.new()) as catalog:
        await catalog.write(lambda tx: tx.marks.set("store:begun", tx.now))
        assert await catalog.read(lambda tx: tx.transfer.holds_rows()) is False
        await catalog.write(lambda tx: tx.tasks.save([(None, _state("task-new"))]))
        assert await catalog.read(lambda tx: tx.transfer.holds_rows()) is True


async def test_any_other_value_gives_another_fingerprint(source: Catalog) -> None:
    row = dict((await all_rows(source, "tasks"))[0].values)
    told = {fingerprint(row)}
    for name, value in row.items():
        told.add(fingerprint({**row, name: "another" if value is None else None}))
    assert len(told) == len(row) + 1
    swapped = {**row, "prompt": row["provider_json"], "provider_json": row["prompt"]}
    assert fingerprint(swapped) not in told
