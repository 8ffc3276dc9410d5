"""What the catalog needs of a database: transactions that run whole and are durable when they return."""

from collections.abc import Callable
from datetime import datetime
from enum import IntEnum
from typing import Protocol, TypeVar

import sqlalchemy as sa

from service.catalog.wakeups import Wakeups

T = TypeVar("T")
Work = Callable[[sa.Connection], T]
"""A function of a connection that is in a transaction. It may be run again from its beginning, so it changes nothing
but the database."""


class Priority(IntEnum):
    """Who goes first."""

    INTAKE = 0
    WORK = 1
    WHOLE = 2  # looks at every row, while nobody serves: it may take as long as it takes


class Engine(Protocol):
    """SQLite or PostgreSQL. Methods that run a function raise CatalogUnavailable when nothing was committed because
    the database is ill, and whatever the function raised otherwise."""

    trouble: str | None
    """Why the last transaction that ended did not commit; None when it did."""

    @property
    def shared(self) -> bool:
        """Whether other processes may serve from the same database at the same time."""

    @property
    def place(self) -> str:
        """Where it is, for people."""

    def servers(self) -> int:
        """How many processes serve from it now, at least; blocks, for seconds where that has to be waited out."""

    def weaknesses(self) -> list[str]:
        """Sentences about what of the server's set-up endangers what we promise; blocks."""

    def wakeups(self) -> Wakeups | None:
        """What wakes the workers of other processes; None where there are none, or they can only poll."""

    def open(self) -> None:
        """Make ready; blocks."""

    def close(self) -> None:
        """Finish what is under way, then let go of the database; blocks."""

    def require_sound(self, within: float) -> None:
        """Raise CatalogUnavailable where the data is damaged, as far as a look of so many seconds finds out."""

    def now(self, connection: sa.Connection) -> datetime:
        """When this connection's transaction began, by the database's clock."""

    async def write(self, work: Work[T], *, priority: Priority = Priority.WORK) -> T:
        """Run `work` in one transaction that is durable when this returns."""

    async def read(self, work: Work[T]) -> T:
        """Run `work` in one short transaction that sees one moment and changes nothing."""

    def read_now(self, work: Work[T]) -> T:
        """The same, blocking: for a start, before there is a loop."""

    def migrate_now(self, work: Work[T]) -> T:
        """Run `work` in one transaction, alone among all that migrate; blocks for as long as it takes."""

    async def prove_writable(self) -> None:
        """Commit something small, durably."""
