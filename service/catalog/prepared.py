"""Statements that every image asks, their text and conversions made once: in SQLite, past SQLAlchemy's way, which takes
ten times as long as the database. PostgreSQL is asked through SQLAlchemy, as a thread that waits there costs nothing.

It must not know what rows mean.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from service.catalog.bulk import Values, what_stores
from service.catalog.sqlite_connections import driver_of

Row = Mapping[str, Any] | sa.RowMapping
"""Values by the names of columns."""

Convert = Callable[[Any], Any]

_NOTHING: Values = MappingProxyType({})


class Prepared:
    """A SELECT, or an UPDATE of the columns named by `sets`, whose values are given by name. Raises what executing a
    statement raises; of SQLite that is `sqlite3.Error`."""

    def __init__(self, statement: sa.Select[*tuple[Any, ...]] | sa.Update, *, sets: Sequence[str] = ()) -> None:
        if isinstance(statement, sa.Update) and sets:
            columns = statement.table.c
            statement = statement.values({name: sa.bindparam(name, type_=columns[name].type) for name in sets})
        self._statement = statement
        self._for_sqlite: _Spelled | None = None

    def all(self, connection: sa.Connection, values: Values = _NOTHING) -> list[Row]:
        """Every row, by the names of its columns."""
        if (spelled := self._spelled(connection)) is None:
            return list(connection.execute(self._statement, dict(values)).mappings())
        return spelled.rows(driver_of(connection).execute(spelled.text, spelled.bound(values)).fetchall())

    def first(self, connection: sa.Connection, values: Values = _NOTHING) -> Row | None:
        """The first row, of those that a condition or a LIMIT leaves: they are all read."""
        found = self.all(connection, values)
        return found[0] if found else None

    def scalar(self, connection: sa.Connection, values: Values = _NOTHING) -> Any:
        """The first column of the first row; None where there is none."""
        row = self.first(connection, values)
        return next(iter(row.values())) if row is not None else None

    def change(self, connection: sa.Connection, *values: Values) -> int:
        """Carry an UPDATE out with each of these, in this order; how many rows it found, which PostgreSQL tells of one
        only."""
        if (spelled := self._spelled(connection)) is None:
            return connection.execute(self._statement, [dict(one) for one in values]).rowcount
        return driver_of(connection).executemany(spelled.text, map(spelled.bound, values)).rowcount

    def _spelled(self, connection: sa.Connection) -> "_Spelled | None":
        if connection.dialect.name != "sqlite":
            return None
        if self._for_sqlite is None:
            self._for_sqlite = _Spelled(self._statement, connection.dialect)
        return self._for_sqlite


class _Spelled:
    """A statement as SQLite is given it."""

    def __init__(self, statement: sa.Select[*tuple[Any, ...]] | sa.Update, dialect: sa.Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        assert not compiled.post_compile_params, "its text would depend on its values"
        self.text = str(compiled)
        names = compiled.positiontup or []
        self._fixed = {name: compiled.params[name] for name in names if not compiled.binds[name].required}
        self._pick = itemgetter(*names) if len(names) > 1 else lambda values: tuple(values[name] for name in names)
        types = [compiled.binds[name].type for name in names]
        self._storable = _by_place(what_stores(one, dialect) for one in types)
        columns = list(statement.selected_columns) if isinstance(statement, sa.Select) else []
        self._keys = [str(column.key) for column in columns]
        read = (column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns)
        self._readable = _by_place(read)

    def bound(self, values: Values) -> list[Any]:
        """The values in the statement's order, as the driver takes them."""
        bound = list(self._pick({**self._fixed, **values} if self._fixed else values))
        for place, convert in self._storable:
            bound[place] = convert(bound[place])
        return bound

    def rows(self, found: Iterable[Sequence[Any]]) -> list[Row]:
        return [self._row(list(row)) for row in found]

    def _row(self, row: list[Any]) -> Row:
        for place, convert in self._readable:
            if row[place] is not None:
                row[place] = convert(row[place])
        return dict(zip(self._keys, row, strict=True))


def _by_place(processors: Iterable[Convert | None]) -> list[tuple[int, Convert]]:
    return [(place, one) for place, one in enumerate(processors) if one is not None]
