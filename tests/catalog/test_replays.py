"""Callbacks read back in portions; and an inbox that an older version filled."""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from service.catalog.catalog import Catalog
from service.catalog.inbox_filter import InboxFilter
from service.catalog.replays import MOST_BYTES, MOST_ROWS, WINDOW, Portion
from service.domain.allowance import ROW_BYTES, Spent
from service.domain.callback import Verdict
from service.intake.batch import take_in
from tests.catalog.test_upgrade import at_revision, insert, plain
from tests.support.deliveries import NOW, RULES, delivery, task_object

THEN = datetime(2026, 4, 30, 9, tzinfo=UTC)
ALL = InboxFilter()


async def portion(catalog: Catalog, after: int, last: int, wanted: InboxFilter = ALL) -> Portion:
    return await catalog.read(lambda tx: tx.replays.portion(wanted, after=after, last=last))


async def fill(catalog: Catalog, *bodies: bytes) -> None:
    await catalog.write(partial(take_in, batch=[delivery(body) for body in bodies], rules=RULES))


async def test_a_portion_has_so_many_callbacks_and_so_many_bytes_but_always_one(catalog: Catalog) -> None:
    await fill(catalog, *(b"%d" % number for number in range(MOST_ROWS + 5)))
    first = await portion(catalog, 0, MOST_ROWS + 5)
    assert (list(first.bodies), first.end) == ([*range(1, MOST_ROWS + 1)], MOST_ROWS)
    rest = await portion(catalog, first.end, MOST_ROWS + 5)
    assert (len(rest.bodies), rest.end) == (5, MOST_ROWS + 5)


async def test_large_bodies_come_a_few_at_a_time_and_a_huge_one_alone(catalog: Catalog) -> None:
    for size in (MOST_BYTES - 10, 5, 6, MOST_BYTES + 1):
        await fill(catalog, b"x" * size)
    ends, at = [], 0
    while at < 4:
        at = (await portion(catalog, at, 4)).end
        ends.append(at)
    assert ends == [2, 3, 4]


async def test_one_question_looks_through_so_many_ids_only(catalog: Catalog) -> None:
    found = await portion(catalog, 0, 10 * WINDOW, InboxFilter(verdict="foreign"))
    assert (dict(found.bodies), found.end) == ({}, WINDOW)
    narrow = await portion(catalog, 0, 10 * WINDOW, InboxFilter(task_id="task-none"))
    assert narrow.end == 10 * WINDOW


async def test_what_is_not_there_any_more_is_not_among_the_rows(catalog: Catalog) -> None:
    await fill(catalog, b"bad")
    rows = await catalog.read(lambda tx: tx.replays.rows([1, 2]))
    assert {one: row.verdict for one, row in rows.items()} == {1: Verdict.UNREADABLE}


@pytest.fixture
def upgraded(tmp_path: Path) -> Iterator[Catalog]:
    """An inbox of the version before, with a settled task's callback and an unreadable one."""
    engine = at_revision(tmp_path / "old.db", "0002")
    ended = {"id": "task-old", "source": "evolink", "status": "failed", "tags": "{}"}
    insert(engine, "tasks", **ended, received_at=plain(THEN), settled_at=plain(THEN), token_id="old")
    for task_id, verdict, body in (("task-old", "accepted", b"{}"), ("", "unreadable", b"bad")):
        row = {"source": "evolink", "origin": "callback", "task_id": task_id, "verdict": verdict, "body": body}
        labels = {"headers": "{}", "tags": "{}", "token_id": "old", "body_sha256": verdict, "bytes": len(body)}
        insert(engine, "callbacks", **row, **labels, received_at=plain(THEN), last_received_at=plain(THEN))
    engine.dispose()
    catalog = Catalog(tmp_path / "old.db")
    catalog.open()
    assert catalog.missing_revision() == "0010"
    catalog.upgrade()
    yield catalog
    catalog.close()


async def test_an_inbox_of_before_is_counted_read_and_cleared_as_any_other(upgraded: Catalog) -> None:
    assert await upgraded.read(lambda tx: tx.usage.spent("old")) == Spent(stray_bytes=ROW_BYTES)
    assert (await upgraded.read(lambda tx: tx.usage.touched("old"))).total == 1
    assert dict((await portion(upgraded, 0, 2)).bodies) == {1: b"{}", 2: b"bad"}
    await fill(upgraded, delivery(task_object("failed")).body)
    cleared = await upgraded.write(lambda tx: tx.clearing.clear(NOW, limit=9))
    assert (cleared.number, cleared.next) == (2, None)
