"""Two processes on one PostgreSQL: what one makes or revokes the other hears of."""

import asyncio
from datetime import UTC, datetime
from functools import partial

import pytest

from service.catalog.catalog import Catalog
from service.domain.api_key import ApiKey, Scope
from service.domain.audit import command_of
from service.keys.known import REFRESH_SECONDS, KnownKeys
from service.keys.lives import KeyWish, create, new_secret, revoke
from tests.support.databases import Databases, on_postgres
from tests.system.support.waiting import eventually

pytestmark = pytest.mark.long
ROOT = command_of("root")


@on_postgres
async def test_a_key_counts_and_ends_at_the_other_process_within_seconds(databases: Databases) -> None:
    where = databases.new()
    one, other = Catalog(where), Catalog(where)
    one.open()
    other.open()
    wakeups = [catalog.wakeups() for catalog in (one, other)]
    assert wakeups[0] is not None
    assert wakeups[1] is not None
    here = KnownKeys([], catalog=one, nudge=wakeups[0].nudge("keys"))
    there = KnownKeys([], catalog=other, nudge=wakeups[1].nudge("keys"))
    loops = [asyncio.create_task(run()) for run in (wakeups[0].run, wakeups[1].run, there.run)]
    secret = new_secret()

    async def opens() -> bool | None:
        return isinstance(there.find(secret, now=datetime.now(UTC)), ApiKey) or None

    async def refused() -> bool | None:
        return not await opens() or None

    wish = KeyWish("shop", frozenset({Scope.READ}))
    made = await one.write(partial(create, wish=wish, secret=secret, by=ROOT, setting=()), by=ROOT)
    await here.changed()
    await eventually(opens, what="the other process knows the key", within=5 * REFRESH_SECONDS)
    await one.write(partial(revoke, key_id=made.kept.key.id, by=ROOT, setting=()), by=ROOT)
    await here.changed()
    await eventually(refused, what="the other process refuses it", within=5 * REFRESH_SECONDS)
    for loop in loops:
        loop.cancel()
    await asyncio.gather(*loops, return_exceptions=True)
    one.close()
    other.close()
