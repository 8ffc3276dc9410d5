"""Moments worth remembering across restarts, by name: when a key first worked, when we were last ready."""

from datetime import datetime

import sqlalchemy as sa

from service.catalog.dialects import insert_into
from service.catalog.prepared import Prepared
from service.catalog.tables import marks
from service.domain.clock_step import clear_before

STORE_BEGUN = "store:begun"
"""Set when a service has opened its store: one that is missing from then on is lost, not new."""

TAKING_IN = "callbacks:since"
"""When a process last began to take callbacks in, at its start or because it could not for a while."""

COSTS_COUNTED = "costs:counted"
"""Set when the costs of all tasks that had ended before are counted; a rebuild takes it away."""

SEARCH_FILLED = "search:filled"
"""Set when all tasks are found by their words that were there before there was an index; no copy takes it along."""

COPYING = "copying:"
"""Begins the mark that stands in a database while a copy into it is not finished; the rest says from where."""

_BEGINNING = Prepared(
    sa.select(marks.c.name, marks.c.at)
    .where(sa.func.substr(marks.c.name, 1, sa.bindparam("length", type_=sa.Integer)) == sa.bindparam("beginning"))
    .order_by(marks.c.name)
)

IS_COPYING = sa.func.substr(marks.c.name, 1, len(COPYING)) == COPYING


def copying_from(connection: sa.Connection) -> str | None:
    """Of what a database is an unfinished copy; None when it is whole."""
    found = connection.execute(sa.select(marks.c.name).where(IS_COPYING)).scalars().first()
    return found.removeprefix(COPYING) if found is not None else None


def unfinished(place: str, source: str) -> str:
    """That a database must not be worked with yet, and what to do."""
    return f"the database {place} is an unfinished copy of {source}: run the same `darkroom copy` again to finish it"


class Marks:
    """Marks within one transaction."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def get(self, name: str) -> datetime | None:
        return self._connection.execute(sa.select(marks.c.at).where(marks.c.name == name)).scalar_one_or_none()

    def beginning_with(self, prefix: str) -> dict[str, datetime]:
        """Marks by name, in its order."""
        found = _BEGINNING.all(self._connection, {"length": len(prefix), "beginning": prefix})
        return {row["name"]: row["at"] for row in found}

    def set(self, name: str, at: datetime) -> None:
        statement = insert_into(self._connection.dialect.name, marks).values(name=name, at=at)
        self._connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"at": at}))

    def believed(self, name: str, wanted: datetime, *, first: datetime | None = None) -> datetime:
        """Up to when a pass may go that removes what is old, by the passes before it, or the `first` one by a time."""
        return clear_before(wanted, self.get(name) or first)

    def advance(self, name: str, wanted: datetime, *, first: datetime | None = None) -> datetime:
        """As `believed`, and noted for the next pass."""
        before = self.believed(name, wanted, first=first)
        self.set(name, max(before, self.get(name) or before))  # a pass by a clock that was behind takes nothing back
        return before

    def remove(self, name: str) -> None:
        self._connection.execute(sa.delete(marks).where(marks.c.name == name))

    def copying_from(self) -> str | None:
        """Of what this database is an unfinished copy."""
        return copying_from(self._connection)
