"""Rows of one table, many by one statement."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import asyncpg

from service.catalog.bulk import LARGEST, Bulk
from service.catalog.catalog import Catalog
from service.catalog.columns import Text, UtcTime
from service.catalog.inbox import Received
from service.domain.callback import Verdict
from service.domain.task import Origin
from tests.support.deliveries import NOW

TIMES = (
    NOW,
    datetime(2026, 5, 1, 12, 0, 0, 1, tzinfo=UTC),
    datetime(1999, 12, 31, 23, 59, 59, 999_999, tzinfo=timezone(timedelta(hours=-9, minutes=-30))),
    None,
)


def received(number: int, **changed: Any) -> Received:
    return Received(
        source="evolink",
        origin=Origin.CALLBACK,
        task_id=f"task-{number:05}",
        body=b"{}",
        size=2,
        body_sha256=f"{number:064x}",
        verdict=Verdict.ACCEPTED,
        received_at=NOW,
        **changed,
    )


@pytest.mark.parametrize("number", [1, 2, 3, LARGEST - 1, LARGEST, LARGEST + 1, 3 * LARGEST + 7])
async def test_as_many_as_come_are_kept_each_under_its_own_name(catalog: Catalog, number: int) -> None:
    callbacks = [received(one) for one in range(number)]
    kept = await catalog.write(lambda tx: tx.inbox.keep(callbacks))
    assert kept.keys() == {one.key for one in callbacks}
    assert len({one.id for one in kept.values()}) == number
    again = await catalog.write(lambda tx: tx.inbox.keep(callbacks))
    assert again.keys() == kept.keys()
    assert all(one.repeated and one.id == kept[key].id for key, one in again.items())


async def test_what_no_database_takes_is_made_storable_on_the_way(catalog: Catalog) -> None:
    odd = received(1, ref="a\x00b", tags={"空": "値"}, detail=None)
    await catalog.write(lambda tx: tx.inbox.keep([odd]))
    page = await catalog.read(lambda tx: tx.query.callbacks(filters={}, after=None, limit=2))
    [row] = page.items
    assert (row["ref"], row["tags"], row["detail"]) == ("a\ufffdb", {"空": "値"}, None)


@pytest.mark.parametrize("at", TIMES)
def test_a_time_is_written_as_sqlalchemy_writes_it(at: datetime | None) -> None:
    dialect = sqlite.dialect()
    ours = UtcTime().bind_processor(dialect)
    theirs = sa.DateTime().dialect_impl(dialect).bind_processor(dialect)
    assert ours is not None
    assert theirs is not None
    assert ours(at) == theirs(at.astimezone(UTC).replace(tzinfo=None) if at else None)


def test_a_statement_goes_on_behind_its_values_whatever_stands_in_them() -> None:
    table = sa.Table("things", sa.MetaData(), sa.Column("a", Text, primary_key=True), sa.Column("b", sa.Numeric(10, 2)))
    statement = postgresql.insert(table).on_conflict_do_nothing(index_elements=["a"])
    text = Bulk(statement, ["a", "b"], asyncpg.dialect()).for_many(2)  # type: ignore[no-untyped-call]
    assert "$4::NUMERIC(10, 2)) ON CONFLICT (a) DO NOTHING" in text


class Counting:
    """A connection that only counts how many rows each statement inserts."""

    def __init__(self) -> None:
        self.inserted: list[int] = []

    def exec_driver_sql(self, text: str, values: tuple[object, ...]) -> "Counting":
        assert text.count("?") == len(values)
        self.inserted.append(len(values) // 2)
        return self

    returns_rows = False


def test_many_rows_take_few_statements_of_few_kinds() -> None:
    table = sa.Table("things", sa.MetaData(), sa.Column("a", Text), sa.Column("b", sa.Integer))
    bulk, kinds = Bulk(sqlite.insert(table), ["a", "b"], sqlite.dialect()), set()
    for rows in range(1, 3 * LARGEST):
        connection: Any = Counting()
        bulk.insert(connection, [{"a": "x", "b": 1}] * rows)
        assert sum(connection.inserted) == rows
        assert len(connection.inserted) <= rows // LARGEST + 5
        kinds |= set(connection.inserted)
    assert sum(kinds) < 300, "a connection keeps them all prepared, and each takes memory for its rows"
