"""How a PostgreSQL server is set up, as far as that endangers what we promise. It changes nothing."""

from collections.abc import Iterator

import sqlalchemy as sa

_LOSES = {
    "fsync": "a crash of its machine loses or spoils what it has confirmed",
    "full_page_writes": "a crash of its machine can spoil what it has confirmed",
    "synchronous_commit": "a crash of it loses what it has confirmed",
}


def weaknesses(connection: sa.Connection, *, needed: int) -> list[str]:
    """Sentences about a server that may lose data, or that has not `needed` connections for each process."""
    return [*_lossy(connection), *_crowded(connection, needed)]


def _lossy(connection: sa.Connection) -> Iterator[str]:
    query = sa.text("SELECT name FROM pg_settings WHERE name = ANY(:names) AND setting = 'off' ORDER BY name")
    for name in connection.execute(query, {"names": list(_LOSES)}).scalars():
        yield f"the server has {name}=off: {_LOSES[name]}"


def _crowded(connection: sa.Connection, needed: int) -> Iterator[str]:
    query = "SELECT sum(CASE WHEN name = 'max_connections' THEN setting::int ELSE -setting::int END) FROM pg_settings "
    query += "WHERE name IN ('max_connections', 'superuser_reserved_connections', 'reserved_connections')"
    there = int(connection.exec_driver_sql(query).scalar_one())
    if there < needed:
        yield f"the server takes {there} connections, and each process uses up to {needed}: raise max_connections"
