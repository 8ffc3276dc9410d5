"""Which keys open something, in memory: asked on every request that shows one, so it never waits for the database.

While the database is away the keys that were known go on: what they read is in it, so they open nothing that a replica
with a database would refuse. What is not known then is neither let in nor called wrong. It must not change anything but
when a key was used last.
"""

import asyncio
import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from service.background import Nudge
from service.catalog.catalog import Catalog, Transaction
from service.catalog.keys import KeptKey
from service.domain.api_key import ApiKey, Denial, digest
from service.errors import CatalogUnavailable
from service.keys.lives import MOST_LIVING
from service.observability.seldom import Seldom

REFRESH_SECONDS = 2.0
"""How long a key that another process made or revoked takes to count here at most; it is told of it sooner."""

USE_NOTED_EVERY = timedelta(minutes=5)
"""At most so often it is written down that a key was used."""

REMEMBERED = timedelta(days=1)
"""How long it is known why a key that has ended is refused."""


@dataclass(frozen=True, slots=True)
class Denied:
    """Nobody is let in; `key` is the one that was shown, where it was one once."""

    why: Denial
    key: ApiKey | None = None


class KnownKeys:
    """The keys of the setting, and those of the catalog as they were read last."""

    def __init__(self, setting: Sequence[ApiKey], *, catalog: Catalog, nudge: Nudge | None = None) -> None:
        self.setting = tuple(setting)
        self.nudge = nudge or Nudge()
        self._catalog = catalog
        self._kept: tuple[ApiKey, ...] = ()
        self._noted: dict[str, datetime | None] = {}
        self._used: dict[str, datetime] = {}
        self._current = False
        self._reading = asyncio.Lock()
        self._outages = Seldom("api_keys_not_read")

    def find(self, secret: str, *, now: datetime) -> ApiKey | Denied:
        """The key that a secret is, if it is good at that time."""
        return self._good(matching((*self.setting, *self._kept), digest(secret)), now)

    def named(self, key_id: str, *, now: datetime) -> ApiKey | Denied:
        """The key of this id, if it is good at that time: for who has shown it before."""
        return self._good(next((key for key in (*self.setting, *self._kept) if key.id == key_id), None), now)

    def _good(self, key: ApiKey | None, now: datetime) -> ApiKey | Denied:
        if key is None:
            return Denied(Denial.UNKNOWN if self._current else Denial.UNCERTAIN)
        if (why := key.denial(now)) is not None:
            return Denied(why if self._current else Denial.UNCERTAIN, key)
        if not key.from_setting:
            self._used[key.id] = now
        return key

    async def refresh(self) -> None:
        """Read them again; one reader at a time, so that an older answer never replaces a newer one."""
        async with self._reading:
            try:
                found = await self._catalog.read(_known)
            except CatalogUnavailable:
                self._current = False
                raise
            self._kept = tuple(one.key for one in found)
            self._noted = {one.key.id: one.last_used_at for one in found}
            self._current = True

    async def changed(self) -> None:
        """A key was made or revoked here: it counts at once, and others are told. An outage meanwhile delays it."""
        self.nudge.nudge()
        try:
            await self.refresh()
        except CatalogUnavailable as error:
            self._outages.tell(reason=str(error))

    async def run(self) -> None:
        """Never leaves for an outage, so that what ended meanwhile is known at once after it."""
        while True:
            try:
                await self.refresh()
                await self.note_use()
            except CatalogUnavailable as error:
                self._outages.tell(reason=str(error))
            await self.nudge.wait(REFRESH_SECONDS)

    async def note_use(self) -> None:
        """Write down when keys were used last, of those of which nobody has for a while."""
        due = {key_id: at for key_id, at in self._used.items() if _is_due(self._noted.get(key_id), at)}
        if due:
            await self._catalog.write(lambda tx: tx.keys.used(due))
            self._noted.update(due)
        self._used = {key_id: at for key_id, at in self._used.items() if due.get(key_id) != at}


def matching(known: Iterable[ApiKey], sha256: str) -> ApiKey | None:
    """The first key of this hash. Every known one is compared, in constant time, so that time tells nothing."""
    matches = [key for key in known if hmac.compare_digest(key.sha256, sha256)]
    return matches[0] if matches else None


def _known(tx: Transaction) -> list[KeptKey]:
    return tx.keys.known(since=tx.now - REMEMBERED, limit=MOST_LIVING)


def _is_due(noted: datetime | None, used: datetime) -> bool:
    return noted is None or used - noted >= USE_NOTED_EVERY
