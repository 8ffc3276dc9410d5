"""A pooling proxy that nobody told us of: what fails says what to do, and nothing wrong is run."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pytest

from service.catalog.catalog import Catalog
from service.catalog.engine import Priority
from service.errors import CatalogUnavailable
from service.intake.batch import Answer, Taken, take_in
from tests.support.databases import POOLED, Databases
from tests.support.deliveries import RULES, delivery, task_object

pytestmark = pytest.mark.parametrize("databases", [POOLED], indirect=True)

MANY = 120


@contextmanager
def pair_at(url: str) -> Iterator[tuple[Catalog, Catalog]]:
    """Two processes on a database, as two catalogs."""
    pair = Catalog(url), Catalog(url)
    for catalog in pair:
        catalog.open()
    yield pair
    for catalog in pair:
        catalog.close()


async def take(catalog: Catalog, number: int) -> list[Taken]:
    batch = [delivery(task_object(task_id=f"task-{number:04}"))]
    return await catalog.write(partial(take_in, batch=batch, rules=RULES), priority=Priority.INTAKE)


async def test_many_transactions_at_once_change_connections_and_all_commit(databases: Databases) -> None:
    with pair_at(str(databases.new())) as pair:
        taken = await asyncio.gather(*(take(pair[number % 2], number) for number in range(MANY)))
        assert {one.answer for [one] in taken} == {Answer.ACCEPTED}
        claims = (pair[number % 2].write(lambda tx: tx.work.claim_assets(1)) for number in range(MANY))
        claimed = {one.task_id for some in await asyncio.gather(*claims) for one in some}
        assert len(claimed) == MANY


async def test_who_forgets_the_parameter_is_told_of_it_and_nothing_half_is_kept(databases: Databases) -> None:
    url = str(databases.new()).replace("pooler=transaction", "")
    with pair_at(url) as pair:
        takes = (take(pair[number % 2], number) for number in range(MANY))
        outcomes = await asyncio.gather(*takes, return_exceptions=True)
    refused = [one for one in outcomes if isinstance(one, BaseException)]
    assert {type(one) for one in refused} == {CatalogUnavailable}
    assert [one for one in refused if "add ?pooler=transaction to DARKROOM_DATABASE_URL" not in str(one)] == []
    assert len(databases.dump()["tasks"]) == len(databases.dump()["callbacks"]) == MANY - len(refused)
