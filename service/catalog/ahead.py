"""Indexes that PostgreSQL builds ahead of the migration that wants them, while everybody goes on writing.

In the migration itself a large table could not be written to until its indexes are built; there they are found and left
alone. It must run outside of any transaction, and may be broken off at any point: it is done again then.
"""

from collections.abc import Sequence
from types import ModuleType

import sqlalchemy as sa

from service.catalog.migrate import pending_in

_BROKEN = """
SELECT NOT indisvalid AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index p WHERE p.index_relid = indexrelid)
FROM pg_index WHERE indexrelid = to_regclass(:name)
"""


_OTHERS = """
SELECT count(*) FROM pg_stat_progress_create_index WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


def build_ahead(connection: sa.Connection) -> None:
    """Build what missing revisions want on columns that are there; the connection commits each statement.

    Two who build at once would wait for each other: one waits until the other has finished. Where both have begun in
    the same moment the server ends one of them, which may try again.
    """
    known = sa.inspect(connection)
    for name, table, columns, where in (one for revision in pending_in(connection) for one in _ahead(revision)):
        if not {*columns} <= {column["name"] for column in known.get_columns(table)}:
            continue
        while connection.exec_driver_sql(_OTHERS).scalar():
            connection.exec_driver_sql("SELECT pg_sleep(0.2)")
        if connection.execute(sa.text(_BROKEN), {"name": name}).scalar():  # somebody was ended while building it
            connection.exec_driver_sql(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        condition = f" WHERE {where}" if where is not None else ""
        connection.exec_driver_sql(
            f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON {table} ({', '.join(columns)}){condition}"
        )


def _ahead(revision: ModuleType) -> Sequence[tuple[str, str, tuple[str, ...], str | None]]:
    """Name, table, columns and condition of each."""
    wanted: Sequence[tuple[str, str, tuple[str, ...], str | None]] = getattr(revision, "AHEAD", ())
    return wanted
