"""Wake-ups between the processes that serve from one PostgreSQL database: LISTEN/NOTIFY on a connection of their own.

A wake-up may be lost, and costs one poll interval then. It is sent after the commit that made the work, not with it:
PostgreSQL lets only one transaction commit at a time that notifies, and callbacks must not queue for that.
"""

import asyncio

import asyncpg  # type: ignore[import-untyped] # it ships no types
import sqlalchemy as sa

from service.background import Nudge
from service.catalog.postgres_connections import PostgresUrl, connect
from service.catalog.postgres_illness import OUTSIDE, reason
from service.errors import CatalogUnavailable

CHANNEL = "darkroom"
LISTENER = "darkroom listener"
"""The name under which the server shows a process that serves."""

TOGETHER = 0.02
"""Seconds in which wake-ups are gathered: under load one message tells of many callbacks."""

HEARTBEAT = 15.0
ANSWER_WITHIN = 5.0


class Wakeups:
    """Nudges by name; one that is given here wakes the one of that name in every other process. `run` must run."""

    def __init__(self, url: PostgresUrl) -> None:
        self._url = url
        self._nudges: dict[str, Nudge] = {}
        self._told: set[str] = set()
        self._anything = asyncio.Event()

    def nudge(self, name: str) -> Nudge:
        """A nudge that others hear of, and that wakes up when others are nudged."""
        made = Nudge(lambda: self._tell(name))
        self._nudges[name] = made
        return made

    async def run(self) -> None:
        """Listen and tell until the connection is lost: raises CatalogUnavailable then, and may be run again."""
        try:
            connection = await connect(self._url, command_within=ANSWER_WITHIN, name=LISTENER)
        except OUTSIDE as error:
            raise self._lost(error) from error
        try:
            connection.add_termination_listener(lambda _: self._anything.set())
            await connection.add_listener(CHANNEL, self._heard)
            for nudge in self._nudges.values():  # something may have been missed
                nudge.wake()
            while True:
                await self._pass_on(connection)
        except OUTSIDE as error:
            raise self._lost(error) from error
        finally:
            connection.terminate()

    async def _pass_on(self, connection: asyncpg.Connection) -> None:
        """Wait for something to tell, and tell it; in quiet times look whether the server is there."""
        try:
            async with asyncio.timeout(HEARTBEAT):
                await self._anything.wait()
        except TimeoutError:
            await connection.execute("SELECT 1")
            return
        await asyncio.sleep(TOGETHER)
        self._anything.clear()
        if connection.is_closed():
            raise ConnectionResetError("the connection that listens was closed")
        names, self._told = self._told, set()
        if names:
            await connection.execute("SELECT pg_notify($1, $2)", CHANNEL, " ".join(sorted(names)))

    def _tell(self, name: str) -> None:
        self._told.add(name)
        self._anything.set()

    def _heard(self, connection: asyncpg.Connection, pid: int, _channel: str, names: str) -> None:
        if pid == connection.get_server_pid():
            return
        for name in names.split():
            if (nudge := self._nudges.get(name)) is not None:
                nudge.wake()

    def _lost(self, error: BaseException) -> CatalogUnavailable:
        return CatalogUnavailable(reason(error, self._url.place) or str(error))


def listeners(connection: sa.Connection) -> int:
    """How many processes listen on this database: those behind a pooling proxy do not."""
    query = sa.text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = :n"
    )
    return int(connection.execute(query, {"n": LISTENER}).scalar_one())
