"""The trail of who changed what: in the transaction of the change, or not at all."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest

from service.catalog.catalog import Catalog, Transaction
from service.catalog.queries import Page
from service.catalog.tokens import MintedToken
from service.domain.api_key import Scope
from service.domain.audit import Action, Actor, AuditEntry, command_of
from tests.support.databases import Databases
from tests.support.deliveries import NOW
from tests.support.ledger import Clock

SHOP = Actor("key_1", "shop", frozenset({Scope.WRITE}), "req-7", "192.0.2.1")
ROOT = command_of("root")


async def entries(catalog: Catalog, **only: str) -> list[AuditEntry]:
    page = await catalog.read(lambda tx: tx.audit.page(filters=only, after=None, limit=100))
    return [entry for _, entry in page.items]


def note(action: Action, subject: str | None = None, **detail: str | None) -> Callable[[Transaction], None]:
    return lambda tx: tx.audit.note(action, subject, **detail)


async def test_a_change_leaves_a_row_of_who_asked_for_it(catalog: Catalog) -> None:
    await catalog.write(note(Action.KEY_CREATED, "key_2", name="Läden", expires_at=None), by=SHOP)
    [entry] = await entries(catalog)
    assert entry == AuditEntry(
        entry.at, "key_1", "shop", "key.created", "key_2", "req-7", "192.0.2.1", {"name": "Läden"}
    )


async def test_what_nobody_asked_for_leaves_none(catalog: Catalog) -> None:
    await catalog.write(note(Action.TASK_RETRIED, "task-a"))
    assert await entries(catalog) == []


async def test_a_change_that_is_taken_back_leaves_no_row_and_no_row_is_without_its_change(catalog: Catalog) -> None:
    def failing(tx: Transaction) -> None:
        tx.tokens.add(MintedToken("tok-1", "evolink", NOW))
        tx.audit.note(Action.CALLBACK_URL_MINTED, "tok-1")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await catalog.write(failing, by=SHOP)
    assert await entries(catalog) == []
    assert await catalog.read(lambda tx: tx.tokens.known(["tok-1"])) == {}


@pytest.fixture
async def week(databases: Databases) -> Catalog:
    """A change a day for a week, by two in turn; the last ones first at one and the same moment."""
    clock = Clock(NOW)
    catalog = Catalog(databases.new(), clock=clock)
    catalog.open()
    for day in range(7):
        await catalog.write(note(Action.TASK_TOLD, f"task-{day}"), by=(SHOP, ROOT)[day % 2])
        await catalog.write(note(Action.ASSET_DELETED, f"task-{day}.0"), by=SHOP)
        clock.move(days=1)
    return catalog


async def test_the_trail_is_filtered_by_who_what_of_what_and_when(week: Catalog) -> None:
    assert len(await entries(week)) == 14
    assert [one.subject for one in await entries(week, actor="root")] == ["task-5", "task-3", "task-1"]
    assert [one.subject for one in await entries(week, key_id="command")] == ["task-5", "task-3", "task-1"]
    assert len(await entries(week, key_id="key_1", action="asset.deleted")) == 7
    assert [one.action for one in await entries(week, subject="task-3")] == ["task.told"]
    since, until = NOW + timedelta(days=2), NOW + timedelta(days=4)
    page = await week.read(lambda tx: tx.audit.page(filters={}, after=None, limit=9, since=since, until=until))
    assert [one.subject for _, one in page.items] == ["task-3.0", "task-3", "task-2.0", "task-2"]
    week.close()


async def test_pages_follow_each_other_also_where_some_came_at_the_same_moment(week: Catalog) -> None:
    seen: list[str | None] = []
    after: int | None = None
    while True:
        page = await week.read(partial(_page, after=after))
        seen += [one.subject for _, one in page.items]
        if (after := page.next) is None:
            break
    assert seen == [f"task-{day}{index}" for day in range(6, -1, -1) for index in (".0", "")]
    week.close()


def _page(tx: Transaction, *, after: int | None) -> Page[tuple[int, AuditEntry]]:
    return tx.audit.page(filters={}, after=after, limit=3)


async def test_what_is_older_goes_in_portions(week: Catalog) -> None:
    before = NOW + timedelta(days=2)
    assert [await week.write(lambda tx: tx.audit.forget(before, limit=3)) for _ in range(3)] == [3, 1, 0]
    assert len(await entries(week)) == 10
    week.close()
