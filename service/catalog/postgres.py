"""PostgreSQL as an engine: a thread with a loop of its own, few connections, and another try after a race.

Intake has connections of its own, so that no other work keeps it waiting; it brings its callbacks in batches, so there
is no second grouping here. Writes are READ COMMITTED and lock the rows that they load to change; reads see one moment.
Nothing is run again once its commit was sent: whether that arrived is known only when the server says so.
"""

import asyncio
import random
import threading
import time
from collections.abc import Coroutine
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4
from weakref import WeakSet

import asyncpg  # type: ignore[import-untyped] # it ships no types
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from service.catalog.ahead import build_ahead
from service.catalog.engine import Priority, Work
from service.catalog.marks import unfinished
from service.catalog.migrate import missing_in
from service.catalog.postgres_connections import PostgresUrl, engine_for, let_go
from service.catalog.postgres_illness import RACES, is_lost, reason, sqlstate
from service.catalog.postgres_settings import weaknesses
from service.catalog.proofs import prove, proven
from service.catalog.wakeups import Wakeups, listeners
from service.errors import CatalogUnavailable, SettingsError

T = TypeVar("T")

LONGEST_QUEUE = 10_000
INTAKE_CONNECTIONS, CONNECTIONS = 2, 8
MOST_TRIES = 5
OPEN_WITHIN = 4.0
"""Seconds for the first statement of a transaction, which needs no row and no lock: a connection on which it is not
answered was forgotten by somebody in between, and another one may work."""

LONGEST_PAUSE = 0.1
CLOSE_WITHIN, LET_GO_WITHIN, END_WITHIN = 3.0, 2.0, 1.0
"""Seconds at the end: for what is under way, for the connections, and for what was cancelled. Nobody waits for it any
more, and a server that hangs must not keep the process from leaving."""

PROOF_LASTS = timedelta(seconds=6)
"""Who serves proves every few seconds that it can write; without a new proof for so long nobody does."""

TIDIES_EVERY = 100
"""Proofs of ours between two looks for those of the dead."""

READ_WITHIN = 45.0

MIGRATIONS = 0x6461726B  # any number that nobody else locks
LOOK_AGAIN = 0.2

_OPENING = (
    "SELECT clock_timestamp(), current_setting('synchronous_commit'), set_config('statement_timeout', '{statement}', "
    "true), set_config('lock_timeout', '{lock}', true), set_config('idle_in_transaction_session_timeout', '15s', true)"
)
"""The clock, and limits for this transaction only, as behind a pooling proxy the next one may run elsewhere."""


@dataclass(frozen=True, slots=True)
class _Way:
    """How a kind of transaction reaches the database; each statement is bounded, here a little later than there."""

    engine: AsyncEngine
    opening: str
    durable: bool = True
    within: float | None = None
    """Seconds for all of it, where that is short: a connection may be forgotten on the way."""


class PostgresEngine:
    """Opens a database by URL; `write` and `read` run functions of a connection. Raises CatalogUnavailable."""

    shared = True

    def __init__(self, url: str, *, ca_file: Path | None = None) -> None:
        self._url = PostgresUrl.read(url, ca_file=ca_file)
        self._opened: WeakSet[asyncpg.Connection] = WeakSet()
        made = partial(engine_for, self._url, opened=self._opened)
        intake = made(size=INTAKE_CONNECTIONS, wait=4.0, command_within=5.5)
        others = made(size=CONNECTIONS, wait=30.0, command_within=310.0)
        unbounded = made(size=1, wait=30.0, command_within=None)
        snapshot = others.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self._ways = {
            Priority.INTAKE: _Way(intake, _OPENING.format(statement="5s", lock="5s")),
            Priority.WORK: _Way(others, _OPENING.format(statement="5min", lock="10s")),
            Priority.WHOLE: _Way(unbounded, _OPENING.format(statement="0", lock="10s")),
        }
        self._reads = _Way(snapshot, _OPENING.format(statement="30s", lock="10s"), durable=False, within=READ_WITHIN)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._under_way = 0
        self._holder, self._proofs = uuid4().hex, 0
        self._closed = False
        self._current = False  # whether the schema was seen to be this version's; it never falls back
        self.trouble: str | None = None

    @property
    def place(self) -> str:
        return self._url.place

    def servers(self) -> int:
        """Those that listen; where none does, some behind a proxy may still prove that they can write."""
        if listening := self.read_now(listeners):
            return listening
        newest, now = self.read_now(proven)
        if newest is None or now - newest > PROOF_LASTS:
            return 0
        time.sleep(min(PROOF_LASTS, newest + PROOF_LASTS - now).total_seconds())
        return int(self.read_now(proven)[0] != newest)

    def weaknesses(self) -> list[str]:
        return self.read_now(partial(weaknesses, needed=INTAKE_CONNECTIONS + CONNECTIONS + 1))

    def wakeups(self) -> Wakeups | None:
        return None if self._url.pooled else Wakeups(self._url)

    def open(self) -> None:
        """Start the thread. Nothing is connected yet: a database that is away may come back."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="catalog", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Wait for what is under way, then close the connections; a few seconds at most, whatever the server does."""
        self._closed = True
        if (loop := self._loop) is not None:
            self._loop = None
            asyncio.run_coroutine_threadsafe(self._end(), loop).result()
            loop.call_soon_threadsafe(loop.stop)
            self._thread.join()
            loop.close()

    def require_sound(self, within: float) -> None:
        """The server looks after its files itself; there is nothing to look for from here."""

    def now(self, connection: sa.Connection) -> datetime:
        began: datetime = connection.info["began"]
        return began

    async def write(self, work: Work[T], *, priority: Priority = Priority.WORK) -> T:
        return await asyncio.wrap_future(self._start(self._transact(self._ways[priority], work)))

    async def read(self, work: Work[T]) -> T:
        return await asyncio.wrap_future(self._start(self._transact(self._reads, work)))

    def read_now(self, work: Work[T]) -> T:
        return self._start(self._transact(self._reads, work)).result()

    def migrate_now(self, work: Work[T]) -> T:
        def alone(connection: sa.Connection) -> T:
            if not connection.exec_driver_sql(f"SELECT pg_try_advisory_xact_lock({MIGRATIONS})").scalar():
                raise _SomebodyElse
            return work(connection)

        self._start(self._build_ahead(self._ways[Priority.WHOLE])).result()
        while True:  # outside of any transaction: an index that is built ahead waits for all that are open
            try:
                return self._start(self._transact(self._ways[Priority.WHOLE], alone)).result()
            except _SomebodyElse:
                time.sleep(LOOK_AGAIN)

    async def prove_writable(self) -> None:
        """Write this process's own row, once the schema was seen to be this version's, and see the rows whole."""
        if not self._current:
            try:
                missing = await self.read(missing_in)
            except SettingsError as error:
                raise CatalogUnavailable(str(error)) from error
            if missing is not None:
                lack = f"lacks revision {missing}: run `darkroom migrate`"
                raise CatalogUnavailable(f"the database {self._url.place} {lack}")
            self._current = True
        tidies = self._proofs % TIDIES_EVERY == 0
        source = await self.write(partial(prove, holder=self._holder, tidies=tidies), priority=Priority.INTAKE)
        self._proofs += 1
        if source is not None:
            raise CatalogUnavailable(unfinished(self._url.place, source))

    def _start(self, transaction: Coroutine[Any, Any, T]) -> "Future[T]":
        """Run a transaction on our own loop. Who stops waiting for it once it runs does not stop it."""
        if self._loop is None or self._closed or self._under_way >= LONGEST_QUEUE:
            transaction.close()
            raise CatalogUnavailable("the database's queue is full or closed")
        self._under_way += 1
        done: Future[T] = Future()
        asyncio.run_coroutine_threadsafe(self._run(transaction, done), self._loop)
        return done

    async def _run(self, transaction: Coroutine[Any, Any, T], done: "Future[T]") -> None:
        try:
            if not done.set_running_or_notify_cancel():
                transaction.close()
                return
            try:
                result = await transaction
            except BaseException as error:  # noqa: BLE001 - it belongs to who waits
                done.set_exception(error)
            else:
                done.set_result(result)
        finally:
            self._under_way -= 1

    async def _build_ahead(self, way: _Way) -> None:
        for left in reversed(range(MOST_TRIES)):
            try:
                async with way.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
                    return await connection.run_sync(build_ahead)
            except Exception as error:
                if not left or sqlstate(error) not in RACES:
                    raise self._refusal(error, way) from error
            await asyncio.sleep(random.uniform(0, LONGEST_PAUSE))
        return None

    async def _transact(self, way: _Way, work: Work[T]) -> T:
        """Run `work` until it commits, is refused, or has lost too many races."""
        tries = 0
        while True:
            tries += 1
            try:
                result = await self._attempt(way, work)
            except _Again as again:
                if tries < MOST_TRIES:
                    await asyncio.sleep(random.uniform(0, LONGEST_PAUSE) if again.raced else 0)
                    continue
                raise self._refusal(again.error, way) from again.error
            except Exception as error:
                refusal = self._refusal(error, way)
                if refusal is error:
                    raise
                raise refusal from error
            if way.durable:
                self.trouble = None
            return result

    async def _attempt(self, way: _Way, work: Work[T]) -> T:
        """One transaction; raises _Again where nothing was committed and another attempt may fare better."""
        opened = False
        async with way.engine.connect() as connection:
            try:
                async with asyncio.timeout(OPEN_WITHIN):
                    await self._open_transaction(connection, way)
                opened = True
                async with asyncio.timeout(way.within):
                    result = await connection.run_sync(work)
                await connection.commit()
            except TimeoutError as error:
                await connection.invalidate()  # it still waits for an answer: a rollback would wait with it
                if not opened:
                    raise _Again(error, raced=False) from error
                raise
            except sa.exc.DBAPIError as error:
                raced = error.orig is not None and _state(error) in RACES
                if raced or (not opened and is_lost(error)):
                    raise _Again(error, raced=raced) from error
                raise
            return result

    async def _open_transaction(self, connection: AsyncConnection, way: _Way) -> None:
        began, synchronous, *_ = tuple((await connection.exec_driver_sql(way.opening)).one())
        if way.durable and synchronous == "off":
            raise CatalogUnavailable(
                f"the database {self._url.place} has synchronous_commit=off and would lose what it has confirmed: "
                "turn it on"
            )
        connection.sync_connection.info["began"] = began.astimezone(UTC)  # type: ignore[union-attr]

    def _refusal(self, error: Exception, way: _Way) -> Exception:
        """What the caller is told: the error itself where the database is well."""
        told = str(error) if isinstance(error, CatalogUnavailable) else reason(error, self._url.place)
        if told is None:
            return error
        if way.durable:
            self.trouble = told
        return CatalogUnavailable(told)

    async def _end(self) -> None:
        await _others_ended(CLOSE_WITHIN)
        await let_go(list(self._opened), within=LET_GO_WITHIN)
        for task in await _others_ended(0):
            task.cancel()
        await _others_ended(END_WITHIN)
        for connection in list(self._opened):
            connection.terminate()  # one that was made in the meantime
        await _others_ended(END_WITHIN)


async def _others_ended(within: float) -> set[asyncio.Task[Any]]:
    """Wait for so many seconds at most until all other tasks of this loop have ended; those that have not."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    return (await asyncio.wait(others, timeout=within))[1] if others else set()


class _SomebodyElse(Exception):  # noqa: N818 - no error: it has to be waited for
    """Another process migrates just now."""


class _Again(Exception):  # noqa: N818 - no error: what comes next
    """Nothing was committed, and the same may succeed now."""

    def __init__(self, error: sa.exc.DBAPIError | TimeoutError, *, raced: bool) -> None:
        super().__init__(str(error))
        self.error = error
        self.raced = raced


def _state(error: sa.exc.DBAPIError) -> str | None:
    found: str | None = getattr(error.orig, "sqlstate", None)
    return found
