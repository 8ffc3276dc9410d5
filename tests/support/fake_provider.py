"""A provider in this process that answers as a test says and remembers what it was asked. For the parts that ask."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from service.background import Nudge
from service.domain.task import EventStatus, TaskEvent
from service.intake.answers import NobodyToAsk
from service.observability import Metrics
from service.provider.reading import HealthState, Listed, Listing, ProviderHealth, Reading, Unsupported
from service.reconcile.provider import Provider
from service.reconcile.reconciler import Reconciler
from tests.support.ledger import KEY, Ledger, found

ANSWERING = ProviderHealth(HealthState.ANSWERING)
DOWN = ProviderHealth(HealthState.DOWN, detail="no route")


def complete(task_id: str) -> Reading:
    return found(task_id=task_id, results=[f"https://files.evolink.ai/{task_id}.png"])


def entry(task_id: str, created: datetime | None, status: EventStatus = EventStatus.COMPLETED) -> TaskEvent:
    """A line of the account's list."""
    return TaskEvent(task_id, status, status.value, created=created.timestamp() if created else None)


def listed(*entries: TaskEvent, more: bool = False) -> Listed:
    return Listed(entries, more)


@dataclass(slots=True)
class FakeProvider:
    """`answer` says what is known of a task, `page` what a page of the list shows; `meanwhile` runs in each request."""

    answer: Callable[[str], Reading | NobodyToAsk] = complete
    page: Callable[[int], Listing] = lambda _: Unsupported()
    most_at_once: int = 1
    pause: float = 0.0
    health: ProviderHealth = ANSWERING
    meanwhile: Callable[[], None] = lambda: None
    there: bool = False  # whether it answers when asked whether it is there
    silent_for: float = 0.0  # seconds
    asked: list[tuple[str, ...]] = field(default_factory=list)
    pages: list[int] = field(default_factory=list)

    async def read(self, task_ids: Sequence[str]) -> Mapping[str, Reading | NobodyToAsk]:
        self.asked.append(tuple(task_ids))
        self.meanwhile()
        return {task_id: self.answer(task_id) for task_id in task_ids}

    async def reachable(self) -> bool:
        return self.there

    async def list_page(self, page: int, *, size: int = 50) -> Listing:
        self.pages.append(page)
        self.meanwhile()
        return self.page(page)


def always(reading: Reading, health: ProviderHealth = ANSWERING) -> FakeProvider:
    """A provider that says the same of every task."""
    return FakeProvider(lambda _: reading, health=health)


def asker(ledger: Ledger, provider: Provider, **parts: Any) -> Reconciler:
    """Who asks about the ledger's tasks."""
    given = {"archive": Nudge(), "sidecars": Nudge(), "metrics": Metrics(), "catalog": ledger.catalog, **parts}
    return Reconciler(provider=provider, rules=ledger.rules, key_mark=KEY, **given)


async def ask_all(reconciler: Reconciler) -> None:
    """Ask about everything that is due."""
    for piece in await reconciler.claim(100):
        await reconciler.work(piece)


async def told(ledger: Ledger, *task_ids: str) -> None:
    """Tell of tasks that are due now."""
    for task_id in task_ids:
        await ledger.tell(task_id)
    ledger.clock.move(hours=1)
