"""Callbacks, answers, silences, sweeps, retries in any order: nothing waits for nobody, and nothing forged stands."""

import asyncio
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.catalog.catalog import Transaction
from service.domain.asset import AssetReason, AssetStatus
from service.domain.link import identity
from service.domain.rules import ConfirmMode, Rules
from service.domain.task import EventStatus, Origin, TaskEvent, TaskStatus
from service.errors import Conflict
from service.intake.retry import retry
from service.intake.seen import notice
from service.provider.reading import Reading, Throttled
from tests.support.deliveries import TASK, task_object, token
from tests.support.ledger import CONFIRMING, MISSING, REQUIRING, SILENT, Ledger, found, ledger_in

A, B, C = (f"https://files.evolink.ai/{name}.png" for name in "abc")
EVIL = "https://evil.example/e.png"
STATUSES = st.sampled_from(["completed", "failed", "cancelled", "processing", "pending", "strange"])
LINKS = st.lists(st.sampled_from([A, B, C, EVIL]), unique=True, max_size=3)


class Does(Enum):
    """What happens."""

    CALLS_BACK = 1
    CALLS_BACK_FOREIGN = 2
    ANSWERS = 3
    SAYS_NOTHING = 4
    SAYS_NOTHING_OF_THIS_TASK = 5
    KNOWS_NONE = 6
    THROTTLES = 7
    LISTS = 8
    RETRIES = 9
    TELLS = 10
    WAITS = 11


@dataclass(frozen=True)
class Step:
    """One thing that happens, with this status and these links where it has any."""

    does: Does
    status: str
    links: tuple[str, ...]
    minutes: int


STEPS = st.lists(
    st.builds(Step, st.sampled_from(Does), STATUSES, LINKS.map(tuple), st.sampled_from([1, 4, 6, 60, 1500])),
    min_size=1,
    max_size=12,
)


async def take(ledger: Ledger, step: Step) -> None:
    """Let it happen."""
    body = {**task_object(step.status), "results": list(step.links)}
    ledger.reachable = step.does is Does.SAYS_NOTHING_OF_THIS_TASK
    match step.does:
        case Does.CALLS_BACK | Does.CALLS_BACK_FOREIGN:
            await ledger.call_back(body, through=token("foreign") if step.does is Does.CALLS_BACK_FOREIGN else None)
        case Does.LISTS:
            await ledger.catalog.write(partial(seen, ledger=ledger, word=step.status))
        case Does.RETRIES:
            with suppress(Conflict):
                await ledger.catalog.write(partial(retry, task_id=TASK, rules=ledger.rules))
        case Does.TELLS:
            await ledger.tell(parameters={"n": len(step.links)})
        case Does.WAITS:
            ledger.clock.move(minutes=step.minutes)
        case _:
            await answered(ledger, reading(step))


def reading(step: Step) -> Reading:
    match step.does:
        case Does.ANSWERS:
            return found(step.status, results=list(step.links))
        case Does.KNOWS_NONE:
            return MISSING
        case Does.THROTTLES:
            return Throttled(step.minutes * 6)
        case _:
            return SILENT


def seen(tx: Transaction, *, ledger: Ledger, word: str) -> None:
    status = EventStatus.UNKNOWN if word == "strange" else EventStatus(word)
    event = TaskEvent(TASK, status, word, created=tx.now.timestamp())
    notice(tx, [event], rules=ledger.rules, since=tx.now - timedelta(hours=1), source="evolink")


async def answered(ledger: Ledger, said: Reading) -> None:
    if (await ledger.task()).check.at is not None:
        await ledger.answer(said)


def said_by_the_provider(steps: Sequence[Step]) -> set[str]:
    return {identity(link) for step in steps if step.does is Does.ANSWERS for link in step.links}


async def check(ledger: Ledger, done: Sequence[Step]) -> None:
    """What must hold whatever has happened so far."""
    task, assets = (await ledger.state()).task, (await ledger.state()).assets
    standing = {identity(link) for one in assets if one.reason is not AssetReason.REFUTED for link in one.known_links}
    waiting = any(one.status is AssetStatus.PENDING for one in assets)
    assert task.terminal or task.check.at is not None, "nobody waits for its end"
    assert (task.settled_at is not None) is (task.terminal and not waiting)
    assert (task.status is TaskStatus.DEAD) is (task.reason is not None)
    assert [one.index for one in assets] == list(range(len(assets)))
    assert all(one.next_attempt_at is not None for one in assets if one.status is AssetStatus.PENDING)
    assert not any(EVIL in one.links for one in assets), "a refused host is to be fetched from"
    if task.confirmed or ledger.rules.mode is ConfirmMode.REQUIRED:
        assert standing <= said_by_the_provider(done), "a link that only a callback spoke of stands"
    if task.confirmed and task.status is TaskStatus.COMPLETED:
        assert not task.conflict
        assert standing


async def live(rules: Rules, steps: Sequence[Step]) -> None:
    with tempfile.TemporaryDirectory() as folder, ledger_in(Path(folder), rules) as ledger:
        await ledger.prove_key()
        await ledger.tell()
        for number, step in enumerate(steps, 1):
            await take(ledger, step)
            await check(ledger, steps[:number])
        await the_truth_prevails(ledger)


async def the_truth_prevails(ledger: Ledger) -> None:
    """Whatever came before: tried again, the provider's completed answer brings its image, and the asking ends."""
    with suppress(Conflict):
        await ledger.catalog.write(partial(retry, task_id=TASK, rules=ledger.rules))
    truth = found(results=[A])
    await answered(ledger, truth)
    await ledger.keep_answering(truth, until=timedelta(days=2))
    task, assets = (await ledger.state()).task, (await ledger.state()).assets
    history = await ledger.history()
    ended_before = any(one.origin is Origin.POLL and one.status in ("failed", "cancelled") for one in history)
    assert task.check.at is None
    if task.status is not TaskStatus.COMPLETED:
        assert ended_before
        assert task.confirmed
    else:
        assert any(identity(link) == identity(A) for one in assets if one.reason is None for link in one.links)


@pytest.mark.long
@settings(max_examples=60)
@given(st.sampled_from([CONFIRMING, REQUIRING]), STEPS)
def test_nothing_waits_for_nobody_and_nothing_forged_stays(rules: Rules, steps: list[Step]) -> None:
    asyncio.run(live(rules, steps))
