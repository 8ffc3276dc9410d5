"""Rows as they are, taken out of one database and put into another: for moving house. It must not know their meaning.

A table is walked in the order of its key, in pages that are bounded in rows and in characters. What is in JSON is taken
as its text, so that nothing of it is lost on the way. Claims, duties and proofs belong to processes and are not taken
along.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import REGCLASS

from service.catalog.fingerprint import fingerprint
from service.catalog.marks import IS_COPYING, SEARCH_FILLED, Marks
from service.catalog.proofs import IS_PROOF
from service.catalog.search_index import SearchIndex
from service.catalog.tables import assets, duties, marks, metadata, search
from service.domain.asset import AssetStatus

Key = int | str

CLAIMS = frozenset(
    {"claim", "claimed_until", "check_claim", "check_until", "sidecar_claim", "sidecar_until", "details_claim"}
)
"""Columns that say who works on something just now."""

_TABLES = {table.name: table for table in metadata.sorted_tables if table not in (duties, search)}
TABLES = tuple(_TABLES)
"""What is copied, in this order: what refers to a table comes after it."""

MOST_ROWS, MOST_CHARACTERS = 200, 4 * 2**20
"""Of a page; a single row may be larger."""

_SIZED_AT_ONCE = 1000
"""Rows whose sizes are asked for together."""

_PLAIN_ROW = 200
"""Characters that a row counts beyond its texts."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row by its key, what it holds by column, and the SHA-256 of that in a form that all databases share."""

    key: Key
    sha256: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class KeptImage:
    """What a row says of an image's bytes, `size` in bytes; all None where it never had any."""

    status: AssetStatus
    key: str | None
    sha256: str | None
    size: int | None


class Transfer:
    """Taking and giving rows within one transaction. `after` None is the beginning, `until` belongs to the page."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def ends(self, name: str, after: Key | None) -> list[Key]:
        """Where the next pages of a table end; none when there are no more rows."""
        table = _TABLES[name]
        query = sa.select(_key(table), _size(table)).where(*_between(table, after)).order_by(_key(table))
        found = self._connection.execute(query.limit(_SIZED_AT_ONCE))
        return list(_cut((key, size) for key, size in found))

    def rows(self, name: str, after: Key | None, until: Key) -> list[Row]:
        """A page, by key; of what is longer than any page only the beginning."""
        table = _TABLES[name]
        columns = [_as_text(column) for column in table.c if column.name not in CLAIMS]
        query = sa.select(*columns).where(*_between(table, after, until)).order_by(_key(table)).limit(MOST_ROWS + 1)
        found = (dict(row) for row in self._connection.execute(query).mappings())
        return [Row(row[_key(table).name], fingerprint(row), row) for row in found]

    def images(self, task_ids: Collection[str]) -> dict[tuple[str, int], KeptImage]:
        """What is known of the bytes of these tasks' images, by task and index."""
        c = assets.c
        query = sa.select(c.task_id, c.index, c.status, c.object_key, c.sha256, c.bytes).where(c.task_id.in_(task_ids))
        return {
            (task_id, index): KeptImage(AssetStatus(status), *stored)
            for task_id, index, status, *stored in self._connection.execute(query)
        }

    def fingerprints(self, name: str, after: Key | None, until: Key) -> dict[Key, str]:
        """The SHA-256 of each row of a page, by key."""
        return {row.key: row.sha256 for row in self.rows(name, after, until)}

    def first(self, name: str, after: Key | None) -> Key | None:
        """The key of the next row."""
        table = _TABLES[name]
        query = sa.select(_key(table)).where(*_between(table, after)).order_by(_key(table)).limit(1)
        key: Key | None = self._connection.execute(query).scalar_one_or_none()
        return key

    def count(self, name: str) -> int:
        table = _TABLES[name]
        counted = sa.select(sa.func.count()).select_from(table).where(*_between(table, None))
        return int(self._connection.execute(counted).scalar_one())

    def holds_rows(self) -> bool:
        """Whether there is anything but marks, which any start leaves behind."""
        return any(self.first(name, None) is not None for name in TABLES if name != marks.name)

    def replace(self, name: str, after: Key | None, until: Key, rows: Sequence[Row]) -> None:
        """Have these rows, and no others, between two keys.

        Whatever else has what may be there once only, and whatever refers to a row that goes, goes too: it comes back
        with its own page.
        """
        table = _TABLES[name]
        if self.first(name, after) is not None:
            self._delete(table, *_between(table, after, until))
            for columns in _unique(table) if rows else ():
                taken = [tuple(row.values[column.name] for column in columns) for row in rows]
                self._delete(table, sa.tuple_(*columns).in_(taken))
        if rows:
            given = [{_parameter(column): value for column, value in row.values.items()} for row in rows]
            self._connection.execute(sa.insert(table).values(self._parameters(table)), given)

    def cut_off(self, name: str, after: Key | None) -> None:
        """Remove what comes after a key, and what refers to it."""
        if self.first(name, after) is not None:
            self._delete(_TABLES[name], *_between(_TABLES[name], after))

    def conclude(self) -> None:
        """Let the next keys be new ones, and all that came be found anew."""
        SearchIndex(self._connection).clear()
        Marks(self._connection).remove(SEARCH_FILLED)
        if self._connection.dialect.name != "postgresql":
            return  # SQLite looks for the highest key itself
        for table in _TABLES.values():
            key = _key(table)
            if isinstance(key.type, sa.Integer):
                sequence = sa.cast(sa.func.pg_get_serial_sequence(table.name, key.name), REGCLASS)
                highest = sa.func.max(key)
                moved = sa.func.setval(sequence, sa.func.coalesce(highest, 1), highest.is_not(None))
                self._connection.execute(sa.select(moved))

    def _delete(self, table: sa.Table, *which: sa.ColumnElement[bool]) -> None:
        for other in metadata.sorted_tables:
            for reference in other.foreign_keys:
                if reference.column.table is table:
                    gone = sa.select(reference.column).where(*which)
                    self._connection.execute(sa.delete(other).where(reference.parent.in_(gone)))
        self._connection.execute(sa.delete(table).where(*which))

    def _parameters(self, table: sa.Table) -> dict[str, sa.ColumnElement[Any]]:
        """What goes into each column. PostgreSQL has to be told what is JSON; SQLite would make a number of it."""
        casts = self._connection.dialect.name == "postgresql"
        values: dict[str, sa.ColumnElement[Any]] = {}
        for column in table.c:
            if column.name in CLAIMS:
                continue
            is_json = isinstance(column.type, sa.JSON)
            given = sa.bindparam(_parameter(column.name), type_=sa.Text() if is_json else column.type)
            values[column.name] = sa.cast(given, sa.JSON) if is_json and casts else given
        return values


def _key(table: sa.Table) -> sa.Column[Any]:
    [key] = table.primary_key.columns
    return key


def _between(table: sa.Table, after: Key | None, until: Key | None = None) -> list[sa.ColumnElement[bool]]:
    """The rows of a page, without marks that are the target's own, and the proofs of processes."""
    which = [~IS_COPYING, ~IS_PROOF, marks.c.name != SEARCH_FILLED] if table is marks else []
    which += [_key(table) > after] if after is not None else []
    return [*which, _key(table) <= until] if until is not None else which


def _as_text(column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    return sa.cast(column, sa.Text).label(column.name) if isinstance(column.type, sa.JSON) else column


def _size(table: sa.Table) -> sa.ColumnElement[int]:
    """About how many characters a row has."""
    sized = (sa.Text, sa.JSON, sa.LargeBinary, type(marks.c.name.type))
    lengths = [sa.func.coalesce(sa.func.length(_as_text(one)), 0) for one in table.c if isinstance(one.type, sized)]
    return sum(lengths, start=sa.literal(_PLAIN_ROW))


def _cut(sized: Iterator[tuple[Key, int]]) -> Iterator[Key]:
    """The last key of each page."""
    rows = characters = 0
    last: Key | None = None
    for key, size in sized:
        if last is not None and (rows == MOST_ROWS or characters + size > MOST_CHARACTERS):
            yield last
            rows = characters = 0
        rows, characters, last = rows + 1, characters + size, key
    if last is not None:
        yield last


def _unique(table: sa.Table) -> Iterator[list[sa.Column[Any]]]:
    for constraint in table.constraints:
        if isinstance(constraint, sa.UniqueConstraint):
            yield list(constraint.columns)


def _parameter(name: str) -> str:
    return f"given_{name}"  # a column's own name means something else to an INSERT
