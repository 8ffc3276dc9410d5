"""How much is archived, and the oldest of it, with a tag and without; what is held is left out."""

from datetime import timedelta

import pytest

from service.catalog.catalog import Catalog, Transaction
from service.catalog.kept import KeptImage
from service.domain.task import Hold
from tests.support.archived import archived_task
from tests.support.deliveries import NOW

HOUR = timedelta(hours=1)


@pytest.fixture
async def kept(catalog: Catalog) -> Catalog:
    states = [
        archived_task("task-new", at=NOW, sizes=(5,), tags={"stage": "draft"}),
        archived_task("task-old", at=NOW - 3 * HOUR, sizes=(10, 20), tags={"stage": "draft"}),
        archived_task("task-held", at=NOW - 4 * HOUR, sizes=(40, 80), tags={"stage": "draft"}, hold=Hold(NOW, "me")),
        archived_task("task-final", at=NOW - 2 * HOUR, sizes=(160,), tags={"stage": "final"}),
    ]
    await catalog.write(lambda tx: tx.tasks.save([(None, state) for state in states]))
    return catalog


async def oldest(catalog: Catalog, tag: str | None, limit: int = 9) -> list[str]:
    """All of them, in pages of so many."""
    found: list[KeptImage] = []

    def page(tx: Transaction) -> list[KeptImage]:
        return tx.kept.oldest(tag, after=found[-1] if found else None, limit=limit)

    while some := await catalog.read(page):
        found += some
    return [f"{one.task_id}.{one.index}" for one in found]


@pytest.mark.parametrize(
    ("tag", "total"),
    [(None, (4, 195)), ("stage:draft", (3, 35)), ("stage:final", (1, 160)), ("stage", (4, 195)), ("none", (0, 0))],
)
async def test_what_is_archived_and_not_held_is_counted(kept: Catalog, tag: str | None, total: tuple[int, int]) -> None:
    assert await kept.read(lambda tx: tx.kept.total(tag)) == total


@pytest.mark.parametrize("limit", [1, 2, 9])
@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        (None, ["task-old.0", "task-old.1", "task-final.0", "task-new.0"]),
        ("stage:draft", ["task-old.0", "task-old.1", "task-new.0"]),
        ("none", []),
    ],
)
async def test_the_oldest_come_first_page_by_page(
    kept: Catalog, tag: str | None, expected: list[str], limit: int
) -> None:
    assert await oldest(kept, tag, limit) == expected
