"""SQLite as an engine: one writer thread in which intake goes first, a few readers, WAL with `synchronous=FULL`.

A write runs whole on the writer's thread inside `BEGIN IMMEDIATE`, so nothing upgrades a lock half-way and a statement
costs no thread hop. Writes that wait share a transaction, each in a savepoint of its own: one fsync for all of them.
A commit counts only while the files are still where they were. After a disk error the connection goes on: SQLite
writes what failed anew before it counts. It must not hold a read transaction open longer than one function runs.
"""

import asyncio
import itertools
import os
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
import structlog

from service.catalog.engine import Priority, Work
from service.catalog.illness import SQLITE_ERRORS, Illness, damaged, illness, not_ours, own, reason
from service.catalog.sqlite_connections import READERS, driver_of, engine_for
from service.catalog.sqlite_files import SqliteFiles, Standing
from service.errors import CatalogUnavailable

log = structlog.get_logger(__name__)

T = TypeVar("T")

LONGEST_QUEUE = 10_000
FILE_MODE = 0o640
"""The database holds raw callbacks and links; SQLite gives its other files the same mode."""

MOST_TOGETHER = 32
"""Writes that share a transaction; more would make the first of them wait too long."""


@dataclass(order=True, slots=True)
class _Job:
    priority: int
    seq: int
    work: Callable[[sa.Connection], Any] | None = field(compare=False)  # None ends the thread
    done: "Future[Any]" = field(compare=False, default_factory=Future)


class SqliteEngine:
    """Opens a database file; `write` and `read` run functions of a connection. Raises CatalogUnavailable."""

    shared = False

    def __init__(self, path: Path) -> None:
        self._path = path
        self._files = SqliteFiles(path)
        self._jobs: queue.PriorityQueue[_Job] = queue.PriorityQueue()
        self._order = itertools.count()
        self._writer = engine_for(path, begin="BEGIN IMMEDIATE")
        self._reader = engine_for(path, begin="BEGIN", read_only=True)
        sa.event.listen(self._writer, "connect", self._note_logs)
        sa.event.listen(self._reader, "connect", lambda _connection, _record: self._require_ours())
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="catalog-read")
        self._thread = threading.Thread(target=self._run, name="catalog-write", daemon=True)
        self._closed = False
        self._ended = False  # the writer's own: nothing is left to do
        self._damage: str | None = None  # for good: only a restart with another database ends it
        self._proofs = 0
        self.trouble: str | None = None
        """Why the last transaction that ended did not commit, for those whose own is still waiting."""

    def open(self) -> None:
        """Create the file if need be and make its directory entry durable."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE))
            self._files.note_database()
            with self._writer.connect() as connection:
                connection.rollback()
            with ExitStack() as readers:  # all of them now: one opened later would not find a database that is gone
                for _ in range(READERS):
                    readers.enter_context(self._reader.connect())
            _sync_directory(self._path.parent)
        except (*SQLITE_ERRORS, OSError) as error:
            raise CatalogUnavailable(f"the database {self._path} cannot be opened: {reason(error)}") from error
        self._thread.start()

    @property
    def place(self) -> str:
        return str(self._path)

    def servers(self) -> int:
        return 0  # there is a lock for that

    def weaknesses(self) -> list[str]:
        return []  # every connection is set up here

    def wakeups(self) -> None:
        """No other process serves from the same file."""

    def now(self, connection: sa.Connection) -> datetime:  # noqa: ARG002 - it has no clock, it runs in this process
        return datetime.now(UTC)

    async def write(self, work: Work[T], *, priority: Priority = Priority.WORK) -> T:
        """Run `work` in one durable transaction; when this returns it is committed."""
        if self._closed or self._jobs.qsize() >= LONGEST_QUEUE:
            raise CatalogUnavailable("the database's queue is full or closed")
        if self._damage is not None:
            raise CatalogUnavailable(self._damage)
        job = _Job(priority, next(self._order), work)
        self._jobs.put(job)
        result: T = await asyncio.wrap_future(job.done)
        return result

    async def read(self, work: Work[T]) -> T:
        """Run `work` in one short read transaction."""
        if self._closed:
            raise CatalogUnavailable("the database is closed")
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._transact, self._reader, work)

    def require_sound(self, within: float) -> None:
        """Look through the whole file, for at most so many seconds. Raises CatalogUnavailable where it is damaged."""

        def look(connection: sa.Connection) -> object:
            driver = driver_of(connection)
            timer = threading.Timer(within, driver.interrupt)
            timer.start()
            try:
                return driver.execute("PRAGMA quick_check(1)").fetchone()[0]
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
                    return "ok"
                raise CatalogUnavailable(f"the database {self._path} cannot be read: {error}") from error
            except sqlite3.DatabaseError as error:
                return error
            finally:
                timer.cancel()
                timer.join()  # a late one would interrupt what comes next

        if (found := self.read_now(look)) != "ok":
            raise CatalogUnavailable(damaged(self._path, found))

    def read_now(self, work: Work[T]) -> T:
        """The same, blocking: for a start, before there is a loop."""
        return self._transact(self._reader, work)

    def migrate_now(self, work: Work[T]) -> T:
        """Run `work` in a transaction that locks everybody else out."""
        return self._transact(self._writer, work)

    async def prove_writable(self) -> None:
        """Write the file's header, whose user version nobody else uses."""
        self._proofs = (self._proofs + 1) % 1_000_000
        number = self._proofs
        await self.write(lambda c: c.exec_driver_sql(f"PRAGMA user_version = {number}"), priority=Priority.INTAKE)

    def close(self) -> None:
        """Finish what is queued, then close the connections."""
        self._closed = True
        if self._files.look() is Standing.LOST and self._thread.is_alive():
            # the last connection removes its log by name, and that name may be another database's by now
            self._readers.shutdown()
            return
        if self._thread.is_alive():
            self._jobs.put(_Job(Priority.WORK + 1, next(self._order), None))
            self._thread.join()
        self._readers.shutdown()
        self._reader.dispose()
        self._writer.dispose()

    def _run(self) -> None:
        while (first := self._next_job(wait=True)) is not None:
            jobs = [first]
            try:
                outcomes = self._commit(jobs)
                self.trouble = None
            except CatalogUnavailable as error:
                self.trouble = str(error)
                outcomes = [error for _ in jobs]
            except BaseException as error:  # noqa: BLE001 - nothing was committed: it belongs to all of them
                outcomes = [error for _ in jobs]
            for job, outcome in zip(jobs, outcomes, strict=True):
                _tell(job, outcome)

    def _note_logs(self, connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("SELECT count(*) FROM sqlite_schema")  # the first read opens or makes the log
        self._files.note_logs()

    def _commit(self, jobs: "list[_Job]") -> list[Any]:
        """Run a job, and those that join it, in one transaction, in files that have their names before and after it."""
        self._require_in_place()
        outcomes = self._transact(self._writer, partial(self._run_together, jobs=jobs))
        self._require_in_place()
        return outcomes

    def _require_in_place(self) -> None:
        """Raise CatalogUnavailable when what we commit would not be found again by who opens the database next."""
        match self._files.look():
            case Standing.IN_PLACE:
                return
            case Standing.LOG_GONE:
                self._begin_new_log()
            case Standing.LOST:
                raise CatalogUnavailable(not_ours(self._path))

    def _require_ours(self) -> None:
        if self._files.look() is Standing.LOST:
            raise CatalogUnavailable(not_ours(self._path))

    def _begin_new_log(self) -> None:
        """Bring what the nameless log holds into the database, then let all connections go and make new files."""
        try:
            with ExitStack() as held:  # nobody reads meanwhile: an old connection would share the nameless index
                readers = [held.enter_context(self._reader.connect()) for _ in range(READERS)]
                self._checkpoint()
                for reader in readers:
                    reader.invalidate()
                self._writer.dispose()
                with self._writer.connect():
                    log.warning("database_log_renewed", reason="its -wal or -shm was removed; nothing is lost")
        except (*SQLITE_ERRORS, sa.exc.TimeoutError) as error:
            raise CatalogUnavailable(f"the database's log lost its name and was not saved: {reason(error)}") from error

    def _checkpoint(self) -> None:
        connection = self._writer.raw_connection()
        try:
            row = connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        finally:
            connection.close()
        if row is None or row[0]:
            raise CatalogUnavailable("the database's log lost its name, and somebody still reads from it")

    def _run_together(self, connection: sa.Connection, jobs: "list[_Job]") -> list[Any]:
        """Run the first of these jobs, then those that wait meanwhile, up to one of the intake: a callback waits for no
        other work than what has begun. Adds to `jobs` what was run."""
        outcomes = [_run_one(connection, jobs[0])]
        while len(jobs) < MOST_TOGETHER and jobs[-1].priority != Priority.INTAKE:
            job = self._next_job(wait=False)
            if job is None:
                break
            jobs.append(job)
            outcomes.append(_run_one(connection, job))
        return outcomes

    def _next_job(self, *, wait: bool) -> _Job | None:
        """The next job that somebody waits for; None at the end, or where none is there now."""
        while not self._ended:
            try:
                job = self._jobs.get(block=wait)
            except queue.Empty:
                return None
            self._ended = job.work is None
            if not self._ended and job.done.set_running_or_notify_cancel():
                return job
        return None

    def _transact(self, engine: sa.Engine, work: Work[T]) -> T:
        try:
            with engine.begin() as connection:
                return work(connection)
        except SQLITE_ERRORS as error:
            kind = illness(error)
            if kind is Illness.NONE:
                raise
            if kind is Illness.DAMAGED:
                self._damage = damaged(self._path, own(error))
            raise CatalogUnavailable(self._damage or f"the database did not commit: {reason(error)}") from error


@dataclass(frozen=True, slots=True)
class _Refusal:
    """A job that failed by itself: its savepoint was rolled back, the others go on."""

    error: Exception


def _run_one(connection: sa.Connection, job: _Job) -> Any:
    """Run a job in a savepoint; raises only when the whole transaction is lost."""
    assert job.work is not None
    driver = driver_of(connection)
    driver.execute("SAVEPOINT job")
    try:
        result = job.work(connection)
    except Exception as error:
        if isinstance(error, SQLITE_ERRORS) and illness(error) is not Illness.NONE:
            raise
        driver.execute("ROLLBACK TO job")
        driver.execute("RELEASE job")
        return _Refusal(error)
    driver.execute("RELEASE job")
    return result


def _tell(job: _Job, outcome: Any) -> None:
    match outcome:
        case _Refusal(error):
            job.done.set_exception(error)
        case BaseException():
            job.done.set_exception(outcome)
        case _:
            job.done.set_result(outcome)


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
