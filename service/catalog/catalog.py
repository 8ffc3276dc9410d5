"""The catalog's door: functions of a `Transaction` go in, committed results come out."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa

from service.catalog.activity import Activity
from service.catalog.audit import Audit
from service.catalog.checks import Checks
from service.catalog.clearing import Clearing
from service.catalog.dead import Dead
from service.catalog.details import Details
from service.catalog.duties import Duties
from service.catalog.engine import Engine, Priority
from service.catalog.events import Events
from service.catalog.exporting import Exporting
from service.catalog.facets import Faceting
from service.catalog.figures import Counting
from service.catalog.inbox import Inbox
from service.catalog.kept import Kept
from service.catalog.keys import Keys
from service.catalog.marks import STORE_BEGUN, Marks, copying_from, unfinished
from service.catalog.migrate import is_new, missing_in, upgrade
from service.catalog.postgres import PostgresEngine
from service.catalog.queries import Queries
from service.catalog.replays import Replays
from service.catalog.restore import Restore
from service.catalog.search_index import SearchIndex
from service.catalog.spending import Spending
from service.catalog.sqlite import SqliteEngine
from service.catalog.submissions import Submissions
from service.catalog.tasks import Tasks
from service.catalog.tokens import Tokens
from service.catalog.transfer import Transfer
from service.catalog.usage import Usage
from service.catalog.waits import Waits
from service.catalog.wakeups import Wakeups
from service.catalog.walk import Walk
from service.catalog.work import Work
from service.domain.audit import Actor
from service.errors import SettingsError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Transaction:
    """One transaction, by subject; `now` is the database's clock."""

    now: datetime
    inbox: Inbox
    tasks: Tasks
    work: Work
    checks: Checks
    waits: Waits
    duties: Duties
    marks: Marks
    tokens: Tokens
    usage: Usage
    replays: Replays
    clearing: Clearing
    query: Queries
    facets: Faceting
    activity: Activity
    kept: Kept
    export: Exporting
    search: SearchIndex
    figures: Counting
    dead: Dead
    walk: Walk
    restore: Restore
    transfer: Transfer
    submissions: Submissions
    spending: Spending
    events: Events
    details: Details
    keys: Keys
    audit: Audit


class Catalog:
    """What we know, in one database. Every method raises CatalogUnavailable when the database is ill.

    `where` is the file of a SQLite database, or the URL of one of PostgreSQL, whose server is verified by the system's
    certificates and those in `ca_file` where the URL says `sslmode=verify-full`. `clock` stands in for the database's.
    """

    def __init__(
        self, where: Path | str, *, ca_file: Path | None = None, clock: Callable[[], datetime] | None = None
    ) -> None:
        self._engine: Engine = (
            SqliteEngine(where) if isinstance(where, Path) else PostgresEngine(where, ca_file=ca_file)
        )
        self._clock = clock

    def open(self) -> None:
        self._engine.open()

    def close(self) -> None:
        self._engine.close()

    @property
    def shared(self) -> bool:
        """Whether other processes may serve from it at the same time: then their claims are not ours to forget."""
        return self._engine.shared

    @property
    def place(self) -> str:
        """Where it is, for people: no password."""
        return self._engine.place

    def servers(self) -> int:
        """How many processes serve from it now, at least; 0 where a lock tells. May take seconds to find out."""
        return self._engine.servers()

    def weaknesses(self) -> list[str]:
        """What about the server endangers what we promise, a sentence each."""
        return self._engine.weaknesses()

    @property
    def trouble(self) -> str | None:
        """Why the last transaction that ended did not commit; None when it did."""
        return self._engine.trouble

    def missing_revision(self) -> str | None:
        """The newest revision that this program needs and the database lacks; None when it is current."""
        return self._engine.read_now(missing_in)

    def is_new(self) -> bool:
        """Whether it has no tables yet."""
        return self._engine.read_now(is_new)

    def has_stored(self) -> bool:
        """Whether a store was worked with already: then one that is missing is lost, not new."""
        return self._engine.read_now(lambda connection: not is_new(connection) and _has_stored(connection))

    def require_whole(self) -> None:
        """Raise SettingsError where a copy into it was begun and is not finished."""
        source = self._engine.read_now(copying_from)
        if source is not None:
            raise SettingsError(unfinished(self.place, source))

    def require_sound(self, *, within: float) -> None:
        """Raise CatalogUnavailable where the file is damaged, as far as a look of so many seconds finds out."""
        self._engine.require_sound(within)

    def upgrade(self) -> None:
        """Bring the schema to this program's revision."""
        self._engine.migrate_now(upgrade)

    def wakeups(self) -> Wakeups | None:
        """What tells other processes that there is work, where there may be others and they can be told."""
        return self._engine.wakeups()

    async def prove_writable(self) -> None:
        """Commit something small, durably. Raises CatalogUnavailable where callbacks could not be kept."""
        await self._engine.prove_writable()

    async def write(
        self, work: Callable[[Transaction], T], *, priority: Priority = Priority.WORK, by: Actor | None = None
    ) -> T:
        """Run `work` in one transaction that is durable when this returns.

        `by` is who asked for it: what it changes then leaves rows in the audit trail, in the same transaction.
        """
        return await self._engine.write(
            lambda connection: work(self._transaction(connection, by=by)), priority=priority
        )

    async def read(self, work: Callable[[Transaction], T]) -> T:
        """Run `work` in one short read-only transaction."""
        return await self._engine.read(lambda connection: work(self._transaction(connection, locks=False)))

    def _transaction(self, connection: sa.Connection, *, locks: bool = True, by: Actor | None = None) -> Transaction:
        now = self._clock() if self._clock is not None else self._engine.now(connection)
        return Transaction(
            now=now,
            inbox=Inbox(connection),
            tasks=Tasks(connection, locks=locks),
            work=Work(connection, now),
            checks=Checks(connection, now, locks=locks),
            waits=Waits(connection, now),
            duties=Duties(connection, now),
            marks=Marks(connection),
            tokens=Tokens(connection),
            usage=Usage(connection),
            replays=Replays(connection, locks=locks),
            clearing=Clearing(connection, now),
            query=Queries(connection),
            facets=Faceting(connection),
            activity=Activity(connection),
            kept=Kept(connection),
            export=Exporting(connection),
            search=SearchIndex(connection, locks=locks),
            figures=Counting(connection),
            dead=Dead(connection),
            walk=Walk(connection),
            restore=Restore(connection, now),
            transfer=Transfer(connection),
            submissions=Submissions(connection, now, locks=locks),
            spending=Spending(connection),
            events=Events(connection, now),
            details=Details(connection, now),
            keys=Keys(connection, now, locks=locks),
            audit=Audit(connection, now, by=by),
        )


def _has_stored(connection: sa.Connection) -> bool:
    return Marks(connection).get(STORE_BEGUN) is not None or Walk(connection).any_stored()
