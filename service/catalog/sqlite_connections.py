"""How a connection to a SQLite database is configured: durable, and never to a file that it would have to make."""

import os
import sqlite3
from pathlib import Path
from urllib.parse import quote

import sqlalchemy as sa

READERS = 4
BUSY_TIMEOUT_MS = 4000


def engine_for(path: Path, *, begin: str, read_only: bool = False) -> sa.Engine:
    """A pool of one writing connection or of `READERS`; `begin` is the statement that begins a transaction."""
    database = f"file://{quote(os.fsencode(os.path.abspath(path)))}"
    engine = sa.create_engine(
        # a connection that is opened later must not make an empty database where ours is gone
        sa.URL.create("sqlite+pysqlite", database=database, query={"mode": "rw", "uri": "true"}),
        poolclass=sa.QueuePool,
        pool_size=READERS if read_only else 1,
        max_overflow=0,
        hide_parameters=True,  # errors are logged, and parameters hold prompts and links
        connect_args={"check_same_thread": False, "timeout": BUSY_TIMEOUT_MS / 1000},
    )

    @sa.event.listens_for(engine, "connect")
    def _configure(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # the driver must not begin transactions behind our back
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")  # NORMAL loses acknowledged rows when the power fails
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        if read_only:
            connection.execute("PRAGMA query_only=ON")

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine
