"""Rows of one table, many by one statement, past SQLAlchemy's way of taking every value in hand: the callbacks' path.

The text of the statement and what makes a column's values storable come from the table, once for each database. With
one statement SQLite's thread gives the lock of the interpreter up once, not for every row. It must not know what rows
mean.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from itertools import chain
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.dml import ReturningInsert

from service.catalog.dialects import Insert

Values = Mapping[str, Any]

LARGEST = 128
"""Rows of one statement: with the widest table well below what a database takes of values (32,766)."""

EACH = 8
"""Up to so many rows there is a statement for each number, beyond that for powers of two: five at most take what is
there, and those that a connection keeps prepared do not add up to megabytes of memory."""

_PLACE = re.compile(r"\$(\d+)")


class Bulk:
    """An INSERT for rows that name all the same columns. Raises what executing a statement raises."""

    def __init__(self, statement: Insert | ReturningInsert[Any], names: Sequence[str], dialect: sa.Dialect) -> None:
        columns = statement.table.c
        places = {name: sa.bindparam(name, type_=columns[name].type) for name in names}
        compiled = statement.inline().values(places).compile(dialect=dialect)
        self._text = str(compiled)
        ordered = compiled.positiontup or []
        self._pick = itemgetter(*ordered)
        self._places = len(ordered)
        self._storable = [
            (place, process, process(None))
            for place, name in enumerate(ordered)
            if (process := what_stores(columns[name].type, dialect)) is not None
        ]
        self.for_many = cache(self._for_many)

    def insert(self, connection: sa.Connection, rows: Sequence[Values]) -> list[sa.Row[Any]]:
        """Insert rows, and return what the statement returns of them, if it does."""
        found: list[sa.Row[Any]] = []
        for start, number in _portions(len(rows)):
            values = tuple(chain.from_iterable(map(self._bound, rows[start : start + number])))
            result = connection.exec_driver_sql(self.for_many(number), values)
            found += result if result.returns_rows else ()
        return found

    def _bound(self, row: Values) -> list[Any]:
        values = list(self._pick(row))
        for place, process, of_none in self._storable:
            value = values[place]
            values[place] = of_none if value is None else process(value)
        return values

    def _for_many(self, rows: int) -> str:
        """The statement with so many rows: their places are counted on."""
        before, row, after = _parts(self._text)
        return before + ", ".join(_counted_on(row, n * self._places) for n in range(rows)) + after


def _portions(rows: int) -> Iterator[tuple[int, int]]:
    """Where each portion begins, and its size: of some sizes only, so that there are few statements to be prepared."""
    start = 0
    while start < rows:
        left = min(LARGEST, rows - start)
        number = left if left < EACH else 1 << left.bit_length() - 1
        yield start, number
        start += number


def _parts(text: str) -> tuple[str, str, str]:
    """What stands before the values of a statement, the values in brackets, and what stands behind."""
    start = text.index(" VALUES (") + len(" VALUES ")
    end = text.index(")", start) + 1
    while text[start:end].count("(") > text[start:end].count(")"):
        end = text.index(")", end) + 1
    return text[:start], text[start:end], text[end:]


def _counted_on(row: str, by: int) -> str:
    return _PLACE.sub(lambda place: f"${int(place[1]) + by}", row)


def what_stores(type_: sa.types.TypeEngine[Any], dialect: sa.Dialect) -> Callable[[Any], Any] | None:
    """What makes a value of this type one that the driver takes; None where each is."""
    return type_.dialect_impl(dialect).bind_processor(dialect)
