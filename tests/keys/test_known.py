"""Which keys open something, as every request asks for them: in memory, and current."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from service.background import Nudge
from service.catalog.catalog import Catalog, Transaction
from service.catalog.keys import KeptKey
from service.domain.api_key import ApiKey, Denial, Scope, digest
from service.domain.audit import Actor
from service.errors import CatalogUnavailable
from service.keys.known import REFRESH_SECONDS, Denied, KnownKeys, matching
from tests.support.guard import api_key
from tests.web.virtual_time import run

T = TypeVar("T")

NOW = datetime(2026, 5, 1, tzinfo=UTC)
OPERATORS = api_key("operator", "sesame", Scope.ADMIN)


def kept(number: int, **life: datetime) -> KeptKey:
    key = ApiKey(f"key_{number}", f"n{number}", digest(f"secret-{number}"), frozenset({Scope.READ}), **life)
    return KeptKey(key, NOW, "admin")


class Shelf(Catalog):
    """A catalog that knows keys only; it counts its looks and what was written, and is away when a test says so."""

    def __init__(self, *some: KeptKey) -> None:
        super().__init__(Path("never-opened.db"))
        self.keys, self.away, self.written = list(some), False, 0

    async def read(self, work: Callable[[Transaction], T]) -> Any:
        if self.away:
            raise CatalogUnavailable("away")
        return list(self.keys)

    async def write(self, work: Callable[[Transaction], T], *, priority: object = None, by: Actor | None = None) -> Any:
        if self.away:
            raise CatalogUnavailable("away")
        self.written += 1


def why(found: ApiKey | Denied) -> Denial:
    assert isinstance(found, Denied)
    return found.why


async def test_a_key_is_found_by_what_it_is_and_only_while_it_lives() -> None:
    shelf = Shelf(kept(1), kept(2, expires_at=NOW), kept(3, revoked_at=NOW))
    known = KnownKeys([OPERATORS], catalog=shelf)
    await known.refresh()
    assert known.find("sesame", now=NOW) == OPERATORS
    assert known.find("secret-1", now=NOW) == shelf.keys[0].key
    assert isinstance(known.find("secret-2", now=NOW - timedelta(seconds=1)), ApiKey)
    assert [why(known.find(f"secret-{n}", now=NOW)) for n in (2, 3, 4)] == [
        Denial.EXPIRED,
        Denial.REVOKED,
        Denial.UNKNOWN,
    ]


async def test_while_the_database_is_away_known_keys_go_on_and_no_other_is_called_wrong() -> None:
    shelf = Shelf(kept(1), kept(3, revoked_at=NOW))
    known = KnownKeys([OPERATORS], catalog=shelf)
    assert why(known.find("secret-1", now=NOW)) is Denial.UNCERTAIN, "nobody has looked yet"
    assert known.find("sesame", now=NOW) == OPERATORS
    await known.refresh()
    shelf.away = True
    await known.changed()
    assert isinstance(known.find("secret-1", now=NOW), ApiKey)
    assert [why(known.find(one, now=NOW)) for one in ("secret-3", "secret-4")] == [Denial.UNCERTAIN] * 2


def test_what_another_process_made_or_revoked_counts_at_the_next_look_or_when_it_tells() -> None:
    async def watched() -> list[bool]:
        shelf, nudge = Shelf(kept(1)), Nudge()
        known = KnownKeys([], catalog=shelf, nudge=nudge)
        loop = asyncio.create_task(known.run())
        await asyncio.sleep(REFRESH_SECONDS / 2)
        shelf.keys = [kept(1, revoked_at=NOW), kept(2)]
        before = [isinstance(known.find(f"secret-{n}", now=NOW), ApiKey) for n in (1, 2)]
        await asyncio.sleep(REFRESH_SECONDS)
        after = [isinstance(known.find(f"secret-{n}", now=NOW), ApiKey) for n in (1, 2)]
        shelf.keys = []
        nudge.wake()
        await asyncio.sleep(REFRESH_SECONDS / 100)
        told = isinstance(known.find("secret-2", now=NOW), ApiKey)
        loop.cancel()
        await asyncio.wait([loop])
        return [*before, *after, told]

    assert run(watched()) == [True, False, False, True, False]


async def test_the_last_use_is_written_once_in_a_while_and_never_of_keys_of_the_setting() -> None:
    shelf = Shelf(kept(1))
    known = KnownKeys([OPERATORS], catalog=shelf)
    await known.refresh()
    known.find("sesame", now=NOW)
    known.find("secret-9", now=NOW)
    await known.note_use()
    assert shelf.written == 0
    for second in range(290):
        known.find("secret-1", now=NOW + timedelta(seconds=second))
        await known.note_use()
    assert shelf.written == 1
    shelf.keys = [replace(kept(1), last_used_at=NOW)]  # by whichever process
    await known.refresh()
    known.find("secret-1", now=NOW + timedelta(minutes=4))
    await known.note_use()
    assert shelf.written == 1
    known.find("secret-1", now=NOW + timedelta(minutes=5))
    await known.note_use()
    assert shelf.written == 2


def test_every_known_key_is_compared_whichever_it_is() -> None:
    keys = [api_key(f"n{number}", f"secret-{number}", Scope.READ) for number in range(50)]

    def compared(secret: str) -> tuple[ApiKey | None, int]:
        seen = 0

        def each() -> Iterator[ApiKey]:
            nonlocal seen
            for key in keys:
                seen += 1
                yield key

        return matching(each(), digest(secret)), seen

    assert compared("secret-0") == (keys[0], 50)
    assert compared("secret-49") == (keys[49], 50)
    assert compared("nonsense") == (None, 50)


def test_of_two_keys_of_one_secret_that_of_the_setting_counts() -> None:
    same = replace(kept(1), key=replace(kept(1).key, sha256=OPERATORS.sha256))
    known = KnownKeys([OPERATORS], catalog=Shelf(same))
    asyncio.run(known.refresh())
    assert known.find("sesame", now=NOW) == OPERATORS
