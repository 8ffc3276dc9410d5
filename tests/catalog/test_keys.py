"""Keys that were made here, as the catalog keeps them."""

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from service.catalog.catalog import Catalog, Transaction
from service.catalog.keys import KeptKey
from service.catalog.queries import Page
from service.domain.api_key import ApiKey, Scope, digest
from tests.support.deliveries import NOW

FAR = NOW + timedelta(days=36500)
LONG_AGO = NOW - timedelta(days=400)


def kept(number: int, name: str = "", *, expires_at: datetime | None = None) -> KeptKey:
    key = ApiKey(f"key_{number}", name or f"n{number}", digest(f"s{number}"), frozenset({Scope.READ}), expires_at)
    return KeptKey(key, NOW, "admin", note="of ours")


async def add(catalog: Catalog, *some: KeptKey) -> list[bool]:
    return await catalog.write(lambda tx: [tx.keys.add(one) for one in some])


async def end(catalog: Catalog, one: KeptKey, at: datetime = NOW) -> None:
    await catalog.write(lambda tx: tx.keys.save_end(replace(one, key=replace(one.key, revoked_at=at))))


async def test_a_key_is_there_again_as_it_was_kept(catalog: Catalog) -> None:
    one = replace(kept(1, "Läden", expires_at=FAR), replaces="key_0")
    assert await add(catalog, one) == [True]
    assert await catalog.read(lambda tx: tx.keys.get("key_1")) == one
    assert await catalog.read(lambda tx: tx.keys.get("key_2")) is None


async def test_a_name_is_held_by_one_key_until_that_ends(catalog: Catalog) -> None:
    assert await add(catalog, kept(1, "shop"), kept(2, "shop")) == [True, False]
    await end(catalog, kept(1, "shop"))
    assert await add(catalog, kept(3, "shop")) == [True]
    expired = kept(4, "press", expires_at=LONG_AGO)
    assert await add(catalog, expired, kept(5, "press")) == [True, True], "one whose time is over holds nothing"


async def test_only_what_opens_something_is_living(catalog: Catalog) -> None:
    await add(catalog, kept(1), kept(2, expires_at=FAR), kept(3, expires_at=LONG_AGO), kept(4))
    await end(catalog, kept(4))
    assert [one.key.id for one in await catalog.write(lambda tx: tx.keys.living())] == ["key_1", "key_2"]


async def test_what_ended_a_while_ago_is_known_no_more(catalog: Catalog) -> None:
    await add(catalog, kept(1), kept(2, expires_at=FAR), kept(3, expires_at=LONG_AGO), kept(4))
    await end(catalog, kept(4))
    found = await catalog.read(lambda tx: tx.keys.known(since=NOW - timedelta(days=1), limit=10))
    assert {one.key.id for one in found} == {"key_1", "key_2", "key_4"}
    assert len(await catalog.read(lambda tx: tx.keys.known(since=NOW - timedelta(days=1), limit=1))) == 2


async def test_the_last_use_never_goes_back(catalog: Catalog) -> None:
    await add(catalog, kept(1), kept(2))
    later = NOW + timedelta(minutes=1)
    await catalog.write(lambda tx: tx.keys.used({"key_1": later, "key_none": later}))
    await catalog.write(lambda tx: tx.keys.used({"key_1": NOW}))
    listed = (await catalog.read(lambda tx: tx.keys.page(after=None, limit=9))).items
    assert [(one.key.id, one.last_used_at) for one in listed] == [("key_2", None), ("key_1", later)]


async def test_keys_are_listed_in_pages_the_newest_first(catalog: Catalog) -> None:
    await add(catalog, *(kept(number) for number in range(5)))
    seen: list[str] = []
    after: int | None = None
    while True:
        page = await catalog.read(partial(_page, after=after))
        seen += [one.key.id for one in page.items]
        if (after := page.next) is None:
            break
    assert seen == [f"key_{number}" for number in (4, 3, 2, 1, 0)]


def _page(tx: Transaction, *, after: int | None) -> Page[KeptKey]:
    return tx.keys.page(after=after, limit=2)


async def test_those_that_ended_long_ago_are_forgotten_in_portions(catalog: Catalog) -> None:
    await add(catalog, kept(9), *(kept(number, expires_at=LONG_AGO) for number in range(3)))
    assert [await catalog.write(lambda tx: tx.keys.forget(NOW, limit=2)) for _ in range(3)] == [2, 1, 0]
    assert [one.key.id for one in (await catalog.read(lambda tx: tx.keys.page(after=None, limit=9))).items] == ["key_9"]
