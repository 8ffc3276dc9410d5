"""Moments worth remembering, by name."""

from datetime import datetime, timedelta

import pytest

from service.catalog.catalog import Catalog, Transaction
from tests.support.deliveries import NOW


async def mark(catalog: Catalog, name: str, at: datetime) -> None:
    await catalog.write(lambda tx: tx.marks.set(name, at))


async def marked(catalog: Catalog, name: str) -> datetime | None:
    return await catalog.read(lambda tx: tx.marks.get(name))


async def test_a_mark_is_none_until_it_is_set_and_the_latest_word_counts(catalog: Catalog) -> None:
    assert await marked(catalog, "swept") is None
    for at in (NOW, NOW + timedelta(days=1), NOW - timedelta(microseconds=1)):
        await mark(catalog, "swept", at)
        assert await marked(catalog, "swept") == at


async def test_marks_of_different_names_do_not_touch(catalog: Catalog) -> None:
    await mark(catalog, "key:evolink:a", NOW)
    for other in ("key:evolink:b", "KEY:EVOLINK:A", "key:evolink:a ", ""):
        assert await marked(catalog, other) is None


async def test_a_mark_is_seen_in_its_own_transaction_and_gone_with_it(catalog: Catalog) -> None:
    seen = []

    def fails(tx: Transaction) -> None:
        tx.marks.set("half-way", NOW)
        seen.append(tx.marks.get("half-way"))
        raise LookupError

    with pytest.raises(LookupError):
        await catalog.write(fails)
    assert seen == [NOW]
    assert await marked(catalog, "half-way") is None
