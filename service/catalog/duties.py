"""Duties that one process at a time has, whichever takes them first: rows with a lease, by the database's clock."""

from datetime import datetime

import sqlalchemy as sa

from service.catalog.dialects import insert_into
from service.catalog.tables import duties
from service.domain.lease import LEASE


class Duties:
    """Duties within one transaction; `now` is the database's clock. `holder` is a text that nobody else has."""

    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def take(self, name: str, holder: str) -> bool:
        """Take a duty that nobody has, or keep it for another lease; whether it is the holder's now."""
        statement = insert_into(self._connection.dialect.name, duties).values(
            name=name, claim=holder, until=self._now + LEASE
        )
        new = statement.excluded
        taken = statement.on_conflict_do_update(
            index_elements=["name"],
            set_={"claim": new.claim, "until": new.until},
            where=sa.or_(duties.c.claim == new.claim, duties.c.until <= self._now),
        ).returning(duties.c.name)
        return self._connection.execute(taken).first() is not None

    def give_back(self, name: str, holder: str) -> None:
        """Let others have it at once, if it is the holder's."""
        self._connection.execute(sa.delete(duties).where(duties.c.name == name, duties.c.claim == holder))

    def clear(self) -> None:
        """Forget who had what, where nobody else can be alive."""
        self._connection.execute(sa.delete(duties))
