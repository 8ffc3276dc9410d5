"""SQLite as an engine: one writer thread in which intake goes first, a few readers, WAL with `synchronous=FULL`.

A write runs whole on the writer's thread inside `BEGIN IMMEDIATE`, so nothing upgrades a lock half-way and a statement
costs no thread hop. Writes that wait share a transaction, each in a savepoint of its own: one fsync for all of them.
It must not hold a read transaction open longer than one function runs.
"""

import asyncio
import itertools
import os
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import IntEnum
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa

from service.errors import CatalogUnavailable

T = TypeVar("T")
Work = Callable[[sa.Connection], T]

READERS = 4
BUSY_TIMEOUT_MS = 4000
LONGEST_QUEUE = 10_000
FILE_MODE = 0o640
"""The database holds raw callbacks and links; SQLite gives its other files the same mode."""

MOST_TOGETHER = 32
"""Writes that share a transaction; more would make the first of them wait too long."""


class Priority(IntEnum):
    """Who goes first in the writer's queue."""

    INTAKE = 0
    WORK = 1


@dataclass(order=True, slots=True)
class _Job:
    priority: int
    seq: int
    work: Callable[[sa.Connection], Any] | None = field(compare=False)  # None ends the thread
    done: "Future[Any]" = field(compare=False, default_factory=Future)


class SqliteEngine:
    """Opens a database file; `write` and `read` run functions of a connection. Raises CatalogUnavailable."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._jobs: queue.PriorityQueue[_Job] = queue.PriorityQueue()
        self._order = itertools.count()
        self._writer = _engine(path, begin="BEGIN IMMEDIATE")
        self._reader = _engine(path, begin="BEGIN", read_only=True)
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="catalog-read")
        self._thread = threading.Thread(target=self._run, name="catalog-write", daemon=True)
        self._closed = False
        self._proofs = 0

    def open(self) -> None:
        """Create the file if need be and make its directory entry durable."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE))
            with self._writer.connect() as connection:
                connection.rollback()
            _sync_directory(self._path.parent)
        except (sa.exc.DBAPIError, OSError) as error:
            raise CatalogUnavailable(f"the database {self._path} cannot be opened: {_reason(error)}") from error
        self._thread.start()

    @property
    def for_migrations(self) -> sa.Engine:
        return self._writer

    @property
    def for_inspection(self) -> sa.Engine:
        return self._reader

    async def write(self, work: Work[T], *, priority: Priority = Priority.WORK) -> T:
        """Run `work` in one durable transaction; when this returns it is committed."""
        if self._closed or self._jobs.qsize() >= LONGEST_QUEUE:
            raise CatalogUnavailable("the database's queue is full or closed")
        job = _Job(priority, next(self._order), work)
        self._jobs.put(job)
        result: T = await asyncio.wrap_future(job.done)
        return result

    async def read(self, work: Work[T]) -> T:
        """Run `work` in one short read transaction."""
        if self._closed:
            raise CatalogUnavailable("the database is closed")
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._transact, self._reader, work)

    async def prove_writable(self) -> None:
        """Write the file's header, whose user version nobody else uses."""
        self._proofs = (self._proofs + 1) % 1_000_000
        number = self._proofs
        await self.write(lambda c: c.exec_driver_sql(f"PRAGMA user_version = {number}"), priority=Priority.INTAKE)

    def close(self) -> None:
        """Finish what is queued, then close the connections."""
        self._closed = True
        if self._thread.is_alive():
            self._jobs.put(_Job(Priority.WORK + 1, next(self._order), None))
            self._thread.join()
        self._readers.shutdown()
        self._reader.dispose()
        self._writer.dispose()

    def _run(self) -> None:
        closing = False
        while not closing:
            jobs, closing = self._next_jobs()
            wanted = [job for job in jobs if job.done.set_running_or_notify_cancel()]
            try:
                outcomes = self._transact(self._writer, partial(_run_each, jobs=wanted))
            except BaseException as error:  # noqa: BLE001 - nothing was committed: it belongs to all of them
                outcomes = [error for _ in wanted]
            for job, outcome in zip(wanted, outcomes, strict=True):
                _tell(job, outcome)

    def _next_jobs(self) -> tuple[list[_Job], bool]:
        """Wait for a job, and take those that wait with it; whether the end was asked for."""
        jobs = [self._jobs.get()]
        while len(jobs) < MOST_TOGETHER and jobs[-1].work is not None:
            try:
                jobs.append(self._jobs.get_nowait())
            except queue.Empty:
                break
        return [job for job in jobs if job.work is not None], jobs[-1].work is None

    @staticmethod
    def _transact(engine: sa.Engine, work: Work[T]) -> T:
        try:
            with engine.begin() as connection:
                return work(connection)
        except sa.exc.DBAPIError as error:
            if _database_is_ill(error):
                raise CatalogUnavailable(f"the database did not commit: {_reason(error)}") from error
            raise


@dataclass(frozen=True, slots=True)
class _Refusal:
    """A job that failed by itself: its savepoint was rolled back, the others go on."""

    error: Exception


def _run_each(connection: sa.Connection, jobs: list[_Job]) -> list[Any]:
    return [_run_one(connection, job) for job in jobs]


def _run_one(connection: sa.Connection, job: _Job) -> Any:
    """Run a job in a savepoint; raises only when the whole transaction is lost."""
    assert job.work is not None
    savepoint = connection.begin_nested()
    try:
        result = job.work(connection)
    except Exception as error:
        if isinstance(error, sa.exc.DBAPIError) and _database_is_ill(error):
            raise
        savepoint.rollback()
        return _Refusal(error)
    savepoint.commit()
    return result


def _tell(job: _Job, outcome: Any) -> None:
    match outcome:
        case _Refusal(error):
            job.done.set_exception(error)
        case BaseException():
            job.done.set_exception(outcome)
        case _:
            job.done.set_result(outcome)


def _database_is_ill(error: sa.exc.DBAPIError) -> bool:
    """Locked, full, gone, corrupt: the next transaction would fail too. Anything else is this one's own fault."""
    if isinstance(error, sa.exc.OperationalError) or error.connection_invalidated:
        return True
    return type(error.orig) is sqlite3.DatabaseError  # malformed, not a database


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _reason(error: Exception) -> str:
    return str(error.orig if isinstance(error, sa.exc.DBAPIError) else error)


def _engine(path: Path, *, begin: str, read_only: bool = False) -> sa.Engine:
    engine = sa.create_engine(
        sa.URL.create("sqlite+pysqlite", database=str(path)),
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
