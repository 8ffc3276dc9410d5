"""A catalog under a clock that a test moves, with the provider's answers handed to it one by one. Nobody is asked."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from service.catalog.catalog import Catalog, Transaction
from service.catalog.checks import ClaimedCheck
from service.catalog.tasks import TaskState
from service.domain.history import HistoryEntry
from service.domain.rules import ConfirmMode, Rules
from service.domain.task import Task, TaskEvent
from service.intake.answers import Concluded, NobodyToAsk, take_answers
from service.intake.batch import Taken, take_in
from service.intake.callback_token import CallbackToken
from service.intake.register import Told, register
from service.intake.seen import notice
from service.provider.payload import Readable, read_callback
from service.provider.reading import Found, Missing, Reading, Unreachable
from tests.support.databases import Databases
from tests.support.deliveries import NOW, RULES, TASK, delivery, task_object
from tests.support.migrated import put_migrated

KEY = "key:evolink:test"
CONFIRMING = replace(RULES, mode=ConfirmMode.PREFERRED, can_ask=True)
REQUIRING = replace(CONFIRMING, mode=ConfirmMode.REQUIRED)
MISSING, SILENT = Missing(), Unreachable("no answer")


def found(status: str = "completed", *, task_id: str = TASK, **members: Any) -> Found:
    """The provider's answer that shows the task."""
    reading = read_callback(json.dumps(task_object(status, task_id, **members)).encode())
    assert isinstance(reading, Readable)
    return Found(reading.event, reading.text)


@dataclass(slots=True)
class Clock:
    """The database's clock; it moves when a test moves it."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def move(self, **span: float) -> None:
        self.now += timedelta(**span)


@dataclass(slots=True)
class Ledger:
    """What is kept, under `rules`; its key has been seen to work unless a test says otherwise."""

    catalog: Catalog
    clock: Clock
    rules: Rules = CONFIRMING
    key: str = KEY
    reachable: bool = False  # whether the provider answers other questions than those that meet silence

    async def tell(self, task_id: str = TASK, **told: Any) -> Task:
        registered = await self.catalog.write(partial(register, told=Told(task_id, **told), rules=self.rules))
        return registered.state.task

    async def call_back(
        self, body: Mapping[str, Any] | bytes | None = None, *, through: CallbackToken | None = None
    ) -> Taken:
        """A callback arrives now; without a body, a completed one."""
        arrived = delivery(body, through=through, at=self.clock.now)
        [taken] = await self.catalog.write(partial(take_in, batch=[arrived], rules=self.rules))
        return taken

    async def see(self, *listed: TaskEvent) -> None:
        """The provider's list shows these tasks."""
        since = self.clock.now - self.rules.horizon
        await self.catalog.write(lambda tx: notice(tx, listed, rules=self.rules, since=since, source="evolink"))

    async def claim(self, limit: int = 100) -> list[ClaimedCheck]:
        return await self.catalog.write(lambda tx: tx.checks.claim(limit))

    async def take(self, *answers: tuple[ClaimedCheck, Reading | NobodyToAsk]) -> list[Concluded]:
        work = partial(take_answers, answers=answers, rules=self.rules, key_mark=self.key, reachable=self.reachable)
        return await self.catalog.write(work)

    async def answer(self, reading: Reading | NobodyToAsk, task_id: str = TASK) -> Concluded:
        """Let time pass until the task's next question, and have it answered so."""
        check_at = (await self.task(task_id)).check.at
        assert check_at is not None, "nothing is to be asked"
        self.clock.now = max(self.clock.now, check_at)
        claimed = await self.claim()
        [mine] = [one for one in claimed if one.task_id == task_id]
        await self.catalog.write(lambda tx: tx.checks.release(one for one in claimed if one is not mine))
        [concluded] = await self.take((mine, reading))
        return concluded

    async def keep_answering(
        self, reading: Reading | NobodyToAsk, *, until: timedelta, task_id: str = TASK
    ) -> list[Concluded]:
        """The same answer to every question before `until` from now; time stands at `until` then."""
        end, concluded = self.clock.now + until, []
        while (at := (await self.task(task_id)).check.at) is not None and at < end:
            concluded.append(await self.answer(reading, task_id))
        self.clock.now = end
        return concluded

    async def state(self, task_id: str = TASK) -> TaskState:
        state = await self.catalog.read(lambda tx: tx.tasks.get(task_id))
        assert state is not None
        return state

    async def task(self, task_id: str = TASK) -> Task:
        return (await self.state(task_id)).task

    async def history(self, task_id: str = TASK) -> list[HistoryEntry]:
        return await self.catalog.read(lambda tx: tx.tasks.history(task_id))

    async def save(self, before: TaskState, after: TaskState) -> None:
        """Put a task into a state, as an archiver or an older version would."""
        await self.catalog.write(lambda tx: tx.tasks.save([(before, after)]))

    async def prove_key(self) -> None:
        await self.catalog.write(self._prove)

    def _prove(self, tx: Transaction) -> None:
        tx.marks.set(self.key, tx.now)


@contextmanager
def ledger_in(folder: Path | Databases, rules: Rules = CONFIRMING) -> Iterator[Ledger]:
    """A ledger in a database of its own: a file in a folder, or a new one of a kind."""
    clock = Clock()
    where = put_migrated(folder / "ledger.db") if isinstance(folder, Path) else folder.new()
    catalog = Catalog(where, clock=clock)
    catalog.open()
    yield Ledger(catalog, clock, rules)
    catalog.close()


def known(tx: Transaction, task_id: str) -> TaskState:
    """A task that is there."""
    state = tx.tasks.get(task_id)
    assert state is not None
    return state
