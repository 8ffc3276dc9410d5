"""More callbacks of one task than are kept: what stays, what it counts for its token, and what its history tells."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial

from service.catalog.catalog import Catalog
from service.domain.allowance import ROW_BYTES, room
from service.domain.crowd import MOST_BODIES, MOST_ROWS
from service.domain.history import Effect, HistoryEntry
from service.domain.rules import ConfirmMode, Rules
from service.domain.task import Origin, Rank, Standing
from service.intake.batch import Delivery, take_in
from service.intake.crowd import MOST_ENTRIES
from tests.support.deliveries import NOW, RULES, TASK, delivery, task_object, token

CONFIRMING = replace(RULES, mode=ConfirmMode.PREFERRED, can_ask=True)
LEAKED = token("leaked")


def reports(numbers: Iterable[int], *, filler: str = "") -> list[Delivery]:
    return [delivery(task_object("processing", progress=number, filler=filler)) for number in numbers]


async def take(catalog: Catalog, *batch: Delivery, rules: Rules = CONFIRMING) -> None:
    await catalog.write(partial(take_in, batch=batch, rules=rules))


async def kept(catalog: Catalog) -> list[tuple[str, str, int, bool]]:
    """Verdict, status, size and whether there is a body, of every callback, oldest first."""
    rows = await catalog.read(lambda tx: tx.inbox.of_tasks([TASK]))
    return [
        (row.verdict.value, row.status or "", row.size or 0, row.size is not None)
        for row in sorted(rows, key=lambda row: row.id)
    ]


async def told(catalog: Catalog, task_id: str = TASK) -> list[str]:
    return [entry.status for entry in await catalog.read(lambda tx: tx.tasks.history(task_id))]


async def fill_history(catalog: Catalog, *, until: int) -> None:
    """Have a task's history tell so much, as that of one that was reported on for weeks."""
    missing = until - len(await told(catalog))
    entry = HistoryEntry(NOW, Origin.CALLBACK, "processing", Standing.HINT, Effect.HINT, Rank.PROCESSING)
    entries: Sequence[tuple[str, HistoryEntry]] = [(TASK, entry)] * missing
    await catalog.write(lambda tx: tx.tasks.note(entries))


async def test_an_end_is_kept_whatever_comes_after_it(catalog: Catalog) -> None:
    await take(catalog, delivery(task_object("failed")))
    await take(catalog, *reports(range(MOST_ROWS + 50)))
    found = await kept(catalog)
    assert len(found) == MOST_ROWS
    assert (found[0][1], found[0][3]) == ("failed", True)


async def test_what_another_token_sends_pushes_nothing_out_that_came_through_the_tasks_own(catalog: Catalog) -> None:
    await take(catalog, *reports([0]))
    await take(catalog, *(replace(one, token=LEAKED) for one in reports(range(1, MOST_ROWS + 50))))
    found = await kept(catalog)
    assert len(found) == MOST_ROWS
    assert [(verdict, has_body) for verdict, _, _, has_body in found[:2]] == [("accepted", True), ("foreign", False)]


async def test_a_token_is_charged_for_what_is_left_of_its_own_callbacks(catalog: Catalog) -> None:
    await take(catalog, *reports(range(9), filler="x" * 2 * ROW_BYTES))
    await take(catalog, *(replace(one, token=LEAKED) for one in reports(range(100, 105))))
    await take(catalog, *reports(range(9, MOST_BODIES + 9), filler="x" * 2 * ROW_BYTES))
    own = [(size, has_body) for verdict, _, size, has_body in await kept(catalog) if verdict == "accepted"]
    assert sum(has_body for _, has_body in own) == MOST_BODIES
    spent = await catalog.read(lambda tx: tx.usage.spent("tok-1"))
    assert spent.unproven == ROW_BYTES + sum(room(size) for size, _ in own)


async def test_it_is_not_charged_for_callbacks_that_went_as_a_whole(catalog: Catalog) -> None:
    await take(catalog, *reports(range(MOST_ROWS + 50)))
    assert len(await kept(catalog)) == MOST_ROWS
    assert (await catalog.read(lambda tx: tx.usage.spent("tok-1"))).unproven == ROW_BYTES + MOST_ROWS * ROW_BYTES


async def test_of_too_many_only_ends_are_told_and_other_tasks_of_the_batch_go_on(catalog: Catalog) -> None:
    await take(catalog, *reports(range(MOST_ROWS)))
    before = await told(catalog)
    ended = [delivery(task_object("completed", results=[])), delivery(task_object("cancelled"))]
    mixed = [*reports([998]), delivery(task_object("processing", "task-other")), *ended, *reports([999])]
    await take(catalog, *mixed)
    assert await told(catalog) == [*before, "completed", "cancelled"]
    assert await told(catalog, "task-other") == ["processing"]


async def test_a_history_has_only_so_many_entries_of_what_decides_nothing(catalog: Catalog) -> None:
    await take(catalog, *reports(range(MOST_ROWS)))
    await fill_history(catalog, until=MOST_ENTRIES - 3)
    for number in range(2):
        await take(catalog, *(delivery(task_object("failed", n=one)) for one in (number, 10 + number)))
    assert (await told(catalog))[-4:] == ["processing", "failed", "failed", "failed"]
    assert len(await told(catalog)) == MOST_ENTRIES


async def test_what_decides_is_told_however_long_the_history_is(catalog: Catalog) -> None:
    await take(catalog, *reports(range(MOST_ROWS)), rules=RULES)
    await fill_history(catalog, until=MOST_ENTRIES + 1)
    await take(catalog, delivery(task_object("failed")), rules=RULES)
    await take(catalog, delivery(task_object("failed", n=1)), rules=RULES)
    assert (await told(catalog))[MOST_ENTRIES:] == ["processing", "failed"]
