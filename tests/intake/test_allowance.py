"""The accounts of tokens: in memory, few of them, and true wherever it matters."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest
from structlog.testing import capture_logs

from service.catalog.catalog import Catalog, Transaction
from service.domain.allowance import BURST, MOST_WAITING, RATE, ROW_BYTES, Spent
from service.errors import CatalogUnavailable
from service.intake.allowance import LOOK_PAUSE, MOST_TOKENS, TELL_SECONDS, Allowances
from tests.support.deliveries import token
from tests.support.ledger import Ledger
from tests.web.virtual_time import run

T = TypeVar("T")


@dataclass
class Clock:
    now: float = 0.0

    def __call__(self) -> float:
        return self.now


class Told(Catalog):
    """A catalog that says what it is told to, and counts the questions."""

    def __init__(self) -> None:
        super().__init__(Path("never-opened.db"))
        self.spent = Spent()
        self.asked = 0
        self.meanwhile: Callable[[], None] = lambda: None

    async def read(self, work: Callable[[Transaction], T]) -> Any:
        self.asked += 1
        await asyncio.sleep(0)
        self.meanwhile()
        return self.spent


@dataclass
class Desk:
    """Accounts under a clock and a catalog of the test's own."""

    clock: Clock = field(default_factory=Clock)
    catalog: Told = field(default_factory=Told)

    def __post_init__(self) -> None:
        self.allowances = Allowances(catalog=self.catalog, clock=self.clock)

    def admitted(self, token_id: str, calls: int) -> int:
        return sum(self.allowances.admit(token_id) == 0 for _ in range(calls))


def test_each_token_has_a_rate_of_its_own() -> None:
    desk = Desk()
    assert desk.admitted("leaked", 10_000) == BURST
    assert desk.admitted("honest", 100) == 100
    desk.clock.now += 1
    assert desk.admitted("leaked", 10_000) == RATE


def test_a_large_body_is_paid_for_with_later_callbacks() -> None:
    desk = Desk()
    desk.allowances.charge("tok", 40 * 1024 * 1024)
    assert desk.admitted("tok", 1) == 0
    desk.clock.now += 5
    assert desk.admitted("tok", 1) == 1


async def test_a_token_that_is_used_a_few_times_never_costs_a_question() -> None:
    desk = Desk()
    for number in range(200):
        desk.allowances.add(f"tok-{number}", Spent(stray_bytes=4096, waiting=1, unproven=8192))
        await desk.allowances.look(f"tok-{number}")
    assert desk.catalog.asked == 0


async def test_near_a_bound_the_truth_is_asked_for_once_and_again_after_a_pause_only() -> None:
    desk = Desk(Clock(1000.0))
    desk.catalog.spent = Spent(waiting=MOST_WAITING - 3)
    desk.allowances.add("tok", Spent(waiting=MOST_WAITING // 16 + 1))
    await asyncio.gather(*(desk.allowances.look("tok") for _ in range(50)))
    assert desk.catalog.asked == 1
    assert desk.allowances.spent("tok") == Spent(waiting=MOST_WAITING - 3)
    desk.clock.now += LOOK_PAUSE / 2
    await desk.allowances.look("tok")
    assert desk.catalog.asked == 1
    desk.clock.now += LOOK_PAUSE / 2
    desk.catalog.spent = Spent(waiting=7)  # they were confirmed meanwhile
    await desk.allowances.look("tok")
    assert (desk.catalog.asked, desk.allowances.spent("tok")) == (2, Spent(waiting=7))


async def test_a_token_that_was_found_to_have_room_is_asked_about_again_only_when_it_has_little() -> None:
    desk = Desk()
    desk.catalog.spent = Spent(waiting=MOST_WAITING // 4)
    desk.allowances.add("tok", Spent(waiting=MOST_WAITING // 4))
    for _ in range(3):
        await desk.allowances.look("tok")
        assert desk.catalog.asked == 1
        desk.clock.now += 2 * LOOK_PAUSE
    desk.allowances.add("tok", Spent(waiting=MOST_WAITING // 2))
    await desk.allowances.look("tok")
    assert desk.catalog.asked == 2


async def test_what_is_asked_for_is_what_the_database_keeps_of_this_token(ledger: Ledger) -> None:
    await ledger.call_back(b"bad")
    await ledger.call_back(b"worse", through=token("other"))
    await ledger.call_back(b"worst", through=token("other"))
    allowances = Allowances(catalog=ledger.catalog)
    allowances.add("tok-1", Spent(waiting=MOST_WAITING))
    await allowances.look("tok-1")
    assert allowances.spent("tok-1") == Spent(stray_bytes=ROW_BYTES)


async def test_what_is_committed_during_the_question_is_counted_besides_its_answer() -> None:
    desk = Desk()
    desk.allowances.add("tok", Spent(waiting=MOST_WAITING))
    desk.catalog.spent = Spent(waiting=5)
    desk.catalog.meanwhile = lambda: desk.allowances.add("tok", Spent(waiting=2))
    await desk.allowances.look("tok")
    assert desk.allowances.spent("tok") == Spent(waiting=7)


async def test_a_database_that_cannot_be_asked_is_said_to_be_unavailable(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "x.db")
    catalog.open()
    catalog.close()
    allowances = Allowances(catalog=catalog)
    allowances.add("tok", Spent(waiting=MOST_WAITING))
    with pytest.raises(CatalogUnavailable):
        await allowances.look("tok")


def test_only_the_tokens_that_were_used_last_are_remembered() -> None:
    desk = Desk()
    for name in ("gone", "kept"):
        desk.allowances.add(name, Spent(waiting=9))
    for number in range(MOST_TOKENS - 1):
        desk.allowances.admit(f"tok-{number}")
        if number == MOST_TOKENS // 2:
            desk.allowances.admit("kept")
    assert desk.allowances.spent("kept") == Spent(waiting=9)
    assert desk.allowances.spent("gone") == Spent()


def test_the_log_hears_once_a_minute_and_at_the_end_of_each_token_that_was_turned_away() -> None:
    async def flooded() -> list[list[tuple[str, int]]]:
        desk, told = Desk(), []
        loop = asyncio.create_task(desk.allowances.run())
        for counts in ({"a": 5000, "b": 1}, {"a": 3}, {}):
            with capture_logs() as lines:
                for token_id, count in counts.items():
                    for _ in range(count):
                        desk.allowances.limited(token_id)
                await asyncio.sleep(TELL_SECONDS + 0.1)
            told.append([(line["token_id"], line["count"]) for line in lines])
        desk.allowances.limited("late")
        with capture_logs() as lines:
            loop.cancel()
            await asyncio.wait([loop])
        told.append([(line["token_id"], line["count"]) for line in lines])
        return told

    assert run(flooded()) == [[("a", 5000), ("b", 1)], [("a", 3)], [], [("late", 1)]]


def test_a_token_that_is_forgotten_is_told_of_first() -> None:
    desk = Desk()
    desk.allowances.limited("gone")
    with capture_logs() as lines:
        for number in range(MOST_TOKENS - 1):
            desk.allowances.admit(f"tok-{number}")
    assert lines == []
    with capture_logs() as lines:
        desk.allowances.admit("one too many")
    assert [(line["event"], line["token_id"], line["count"]) for line in lines] == [("callbacks_limited", "gone", 1)]
