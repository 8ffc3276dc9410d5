"""What ended before costs were counted here is counted once, and only once."""

import pytest

from service.submission.arrears import TOGETHER, Arrears
from service.submission.booking import book
from tests.submission.sending import PRICES
from tests.support.ledger import Ledger, found, known

NUMBER = TOGETHER + 7
DOLLAR = 10**9


async def spent(ledger: Ledger) -> tuple[int, int]:
    day = ledger.clock.now.date()
    sums = await ledger.catalog.read(lambda tx: tx.spending.spent("all", day.replace(year=2025), day))
    return sums.tasks, sums.charged


async def ended(ledger: Ledger, number: int) -> None:
    await ledger.tell(f"task-{number:04}")
    await ledger.answer(found(task_id=f"task-{number:04}", usage={"cost": {"usd": 0.5}}), f"task-{number:04}")


@pytest.mark.long
async def test_all_that_ended_is_counted_once(ledger: Ledger) -> None:
    for number in range(NUMBER):
        await ended(ledger, number)
    await ledger.tell("task-open")
    assert await spent(ledger) == (0, 0)
    arrears = Arrears(catalog=ledger.catalog, prices=PRICES)
    assert await arrears.count() == NUMBER
    assert await spent(ledger) == (NUMBER, NUMBER * DOLLAR // 2)
    assert await arrears.count() == 0
    assert await spent(ledger) == (NUMBER, NUMBER * DOLLAR // 2)


async def test_what_was_counted_when_it_ended_is_not_counted_again(ledger: Ledger) -> None:
    await ended(ledger, 1)
    await ledger.catalog.write(lambda tx: book(tx, known(tx, "task-0001"), PRICES))
    assert await Arrears(catalog=ledger.catalog, prices=PRICES).count() == 0
    assert await spent(ledger) == (1, DOLLAR // 2)
