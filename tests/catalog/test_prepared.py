"""Statements made once: in SQLite they write and read what SQLAlchemy writes and reads."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from service.catalog.columns import BigId, Text, UtcTime
from service.catalog.prepared import Prepared
from service.catalog.sqlite_connections import engine_for

THINGS = sa.Table(
    "things",
    sa.MetaData(),
    sa.Column("id", BigId, primary_key=True),
    sa.Column("text", Text),
    sa.Column("at", UtcTime),
    sa.Column("day", sa.Date),
    sa.Column("sure", sa.Boolean),
    sa.Column("json", sa.JSON(none_as_null=True)),
    sa.Column("bytes", sa.LargeBinary),
)
NAMES = [column.name for column in THINGS.c if column.name != "id"]
FULL = {
    "text": "a\x00é空\U0001f600",
    "at": datetime(2026, 5, 1, 12, 0, 0, 1, tzinfo=timezone(timedelta(hours=-9, minutes=-30))),
    "day": date(2026, 2, 28),
    "sure": True,
    "json": {"a": [1, 2.5, None, "空"], "": {}},
    "bytes": b"\x00\xff",
}
EMPTY = dict.fromkeys(NAMES)
FALSY = {"text": "", "at": datetime(1970, 1, 1, tzinfo=UTC), "day": date.min, "sure": False, "json": [], "bytes": b""}

BY_ID = sa.select(THINGS).where(THINGS.c.id == sa.bindparam("which"))
CHANGING = sa.update(THINGS).where(THINGS.c.id == sa.bindparam("which"))


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sa.Connection]:
    (tmp_path / "a.db").touch()
    engine = engine_for(tmp_path / "a.db", begin="BEGIN IMMEDIATE")
    with engine.begin() as connection:
        THINGS.metadata.create_all(connection)
        connection.execute(sa.insert(THINGS), [{"id": 1}, {"id": 2}, {"id": 3}])
        yield connection
    engine.dispose()


@pytest.mark.parametrize("values", [FULL, EMPTY, FALSY])
def test_what_is_written_and_read_is_what_sqlalchemy_writes_and_reads(
    connection: sa.Connection, values: dict[str, Any]
) -> None:
    Prepared(CHANGING, sets=NAMES).change(connection, {"which": 1, **values})
    connection.execute(CHANGING.values(dict(values)), {"which": 2})
    raw = "SELECT text, at, day, sure, json, bytes, typeof(json) FROM things WHERE id = :id"
    ours, theirs = (connection.execute(sa.text(raw), {"id": one}).one() for one in (1, 2))
    assert tuple(ours) == tuple(theirs)
    for one in (1, 2):
        read = Prepared(BY_ID).first(connection, {"which": one})
        assert read is not None
        assert dict(read) == dict(connection.execute(BY_ID, {"which": one}).mappings().one())


def test_values_that_a_statement_has_of_its_own_are_used_beside_those_given(connection: sa.Connection) -> None:
    emptied = Prepared(CHANGING.values(text="fixed", json=None), sets=["sure"])
    assert emptied.change(connection, {"which": 1, "sure": True}) == 1
    some = sa.select(THINGS.c.id, THINGS.c.text).where(THINGS.c.text == "fixed", THINGS.c.id <= sa.bindparam("most"))
    assert Prepared(some).all(connection, {"most": 5}) == [{"id": 1, "text": "fixed"}]
    assert Prepared(some).all(connection, {"most": 0}) == []


def test_many_changes_are_made_in_their_order(connection: sa.Connection) -> None:
    naming = Prepared(CHANGING, sets=["text"])
    assert naming.change(connection, *({"which": n % 3 + 1, "text": f"{n}"} for n in range(9))) == 9
    found = Prepared(sa.select(THINGS.c.text).order_by(THINGS.c.id)).all(connection)
    assert [row["text"] for row in found] == ["6", "7", "8"]


def test_what_is_not_there_is_none_and_changes_nothing(connection: sa.Connection) -> None:
    nowhere = {"which": 99}
    assert Prepared(BY_ID).first(connection, nowhere) is None
    assert Prepared(BY_ID).scalar(connection, nowhere) is None
    assert Prepared(CHANGING, sets=["text"]).change(connection, {"text": "x", **nowhere}) == 0


def test_a_scalar_is_the_first_column_of_the_first_row(connection: sa.Connection) -> None:
    assert Prepared(sa.select(THINGS.c.id, THINGS.c.text).order_by(THINGS.c.id.desc())).scalar(connection) == 3


def test_a_value_that_is_missing_is_no_null(connection: sa.Connection) -> None:
    with pytest.raises(KeyError):
        Prepared(CHANGING, sets=["text"]).change(connection, {"which": 1})


def test_a_statement_whose_text_depends_on_its_values_is_not_made_once(connection: sa.Connection) -> None:
    among = sa.select(THINGS).where(THINGS.c.id.in_(sa.bindparam("ids", expanding=True)))
    with pytest.raises(AssertionError, match="depend on its values"):
        Prepared(among).all(connection, {"ids": [1, 2]})
