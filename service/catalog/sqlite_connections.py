"""How a connection to a SQLite database is configured: durable, and never to a file that it would have to make."""

import os
import sqlite3
import time
from pathlib import Path
from urllib.parse import quote

import sqlalchemy as sa

from service.catalog.columns import as_json
from service.catalog.illness import is_locked

READERS = 4
READER_CACHE_KIB = 512
"""A quarter of what SQLite takes: the system has the same pages, and four readers would hold 8 MiB of them."""

PREPARED = 256
"""Statements that a connection keeps prepared; an insert of many rows is another one for each number of rows."""
BUSY_TIMEOUT_MS = 4000
TURN_ASKED_MS = 1
"""SQLite itself asks for a held lock ever more rarely, at last ten times a second: who shares a file with a process
that writes one transaction after the other would get its turn by luck, or not at all."""


def engine_for(path: Path, *, begin: str, read_only: bool = False) -> sa.Engine:
    """A pool of one writing connection or of `READERS`; `begin` is the statement that begins a transaction."""
    database = f"file://{quote(os.fsencode(os.path.abspath(path)))}"
    engine = sa.create_engine(
        # a connection that is opened later must not make an empty database where ours is gone
        sa.URL.create("sqlite+pysqlite", database=database, query={"mode": "rw", "uri": "true"}),
        poolclass=sa.QueuePool,
        pool_size=READERS if read_only else 1,
        max_overflow=0,
        json_serializer=as_json,
        hide_parameters=True,  # errors are logged, and parameters hold prompts and links
        connect_args={
            "check_same_thread": False,
            "timeout": BUSY_TIMEOUT_MS / 1000,
            "cached_statements": PREPARED,
        },
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
            connection.execute(f"PRAGMA cache_size=-{READER_CACHE_KIB}")

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        if read_only:
            driver_of(connection).execute(begin)
        else:
            _take_turn(driver_of(connection), begin)

    return engine


def driver_of(connection: sa.Connection) -> sqlite3.Connection:
    """What begins and ends transactions, which needs nothing of SQLAlchemy and takes a twentieth of its time."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver


def _take_turn(driver: sqlite3.Connection, begin: str) -> None:
    """Begin as soon as no other process holds the lock, though it may take it again a moment later."""
    until = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    driver.execute(f"PRAGMA busy_timeout={TURN_ASKED_MS}")  # it waits that long each time
    try:
        while not _begins(driver, begin, at_last=time.monotonic() > until):
            pass
    finally:
        driver.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")


def _begins(driver: sqlite3.Connection, begin: str, *, at_last: bool) -> bool:
    try:
        driver.execute(begin)
    except sqlite3.OperationalError as error:
        if at_last or not is_locked(error):
            raise
        return False
    return True
