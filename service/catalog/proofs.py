"""Proofs that processes can write: a row for each among the marks. A row for all would let one that is stopped between
its write and its commit keep all others waiting, and make them unready.
"""

from datetime import datetime, timedelta

import sqlalchemy as sa

from service.catalog.dialects import insert_into
from service.catalog.marks import copying_from
from service.catalog.tables import marks

PROOF = "proof"

IS_PROOF = sa.or_(marks.c.name == PROOF, sa.func.substr(marks.c.name, 1, len(PROOF) + 1) == f"{PROOF}:")
"""The bare name is what earlier versions wrote, all of them the same row."""

FORGOTTEN_AFTER = timedelta(minutes=10)
"""Longer than any process is silent that still lives; one that is not dead after all writes its row anew."""


def prove(connection: sa.Connection, *, holder: str, tidies: bool) -> str | None:
    """Write the row of a process; `holder` is a text that no other has. Who `tidies` removes those of the dead.

    Returns of what the database is an unfinished copy: one may begin while processes look on.
    """
    statement = insert_into("postgresql", marks).values(name=f"{PROOF}:{holder}", at=sa.func.clock_timestamp())
    proof = statement.on_conflict_do_update(index_elements=["name"], set_={"at": statement.excluded.at})
    connection.execute(proof)
    if tidies:
        old = sa.select(marks.c.name).where(IS_PROOF, marks.c.at < sa.func.clock_timestamp() - FORGOTTEN_AFTER)
        connection.execute(sa.delete(marks).where(marks.c.name.in_(old.with_for_update(skip_locked=True))))
    return copying_from(connection)


def proven(connection: sa.Connection) -> tuple[datetime | None, datetime]:
    """When somebody last proved that they can write, and what time it is."""
    newest = connection.execute(sa.select(sa.func.max(marks.c.at, type_=marks.c.at.type)).where(IS_PROOF)).scalar()
    return newest, connection.info["began"]
