"""The inbox of a span of time, page by page, whatever the order in which its rows were numbered."""

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from service.catalog.catalog import Catalog
from service.catalog.inbox_filter import InboxFilter
from service.intake.batch import take_in
from tests.support.databases import Databases
from tests.support.deliveries import NOW, RULES, delivery, task_object

MINUTES = (3, 0, 5, 2, 2, 9, 4, 2, 7, 2)
"""When callbacks came, in the order of their ids: one that came early may be written late."""


async def filled(catalog: Catalog) -> None:
    for number, minutes in enumerate(MINUTES):
        arrived = replace(delivery(task_object(task_id=f"task-{number}")), received_at=NOW + timedelta(minutes=minutes))
        await catalog.write(partial(take_in, batch=[arrived], rules=RULES))


def minute(number: int) -> datetime:
    return NOW + timedelta(minutes=number)


async def listed(catalog: Catalog, *, limit: int, **span: datetime) -> list[int]:
    """The ids, over all pages."""
    found: list[int] = []
    after = None
    while True:
        page = await catalog.read(
            lambda tx: tx.query.callbacks(filters={}, after=after, limit=limit, **span)  # noqa: B023 - read at once
        )
        found += [row["id"] for row in page.items]
        after = page.next
        if after is None:
            return found


async def test_pages_of_a_span_are_complete_and_the_newest_come_first(catalog: Catalog) -> None:
    await filled(catalog)
    for limit in (1, 2, 3, 50):
        found = await listed(catalog, limit=limit, received_after=minute(2), received_before=minute(7))
        assert found == [3, 7, 1, 10, 8, 5, 4]


async def test_a_row_that_goes_away_between_two_pages_costs_no_other(catalog: Catalog, databases: Databases) -> None:
    await filled(catalog)
    first = await catalog.read(
        lambda tx: tx.query.callbacks(filters={}, after=None, limit=3, received_before=minute(3))
    )
    assert ([row["id"] for row in first.items], first.next) == ([10, 8, 5], 5)
    databases.run("DELETE FROM callbacks WHERE id = 5")
    rest = await catalog.read(lambda tx: tx.query.callbacks(filters={}, after=5, limit=9, received_before=minute(3)))
    assert [row["id"] for row in rest.items] == [4, 2]


async def test_a_replay_of_a_span_reaches_from_its_first_to_its_last_row(catalog: Catalog) -> None:
    await filled(catalog)
    wanted = InboxFilter(received_after=minute(2), received_before=minute(5))
    assert await catalog.read(lambda tx: tx.replays.span(wanted)) == (0, 10)
    wanted = InboxFilter(received_after=minute(4), received_before=minute(6))
    assert await catalog.read(lambda tx: tx.replays.span(wanted)) == (2, 7)
    assert await catalog.read(lambda tx: tx.replays.span(InboxFilter(received_after=minute(99)))) == (0, 0)
