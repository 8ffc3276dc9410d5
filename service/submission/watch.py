"""What polling clients see of a task: the provider's object, with permanent links of ours to what is archived.

The provider is asked at most once in two seconds about a task, and about two tasks at a time, however many clients
poll: who polls must not hold up submissions and confirmations. The others see what we know. What the provider answers
here decides nothing: a task that has ended is made due, and goes the way of all answers.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol, assert_never

from service.background import Nudge
from service.catalog.catalog import Catalog, Transaction
from service.catalog.tasks import TaskState
from service.domain.asset import AssetReason, AssetStatus
from service.domain.check import begin
from service.domain.rules import Rules
from service.intake.asset_link import AssetLinkSigner
from service.intake.permanent_link import known_links, permanent_links, url_of
from service.intake.seen import notice
from service.provider.reading import Found, Missing, Reading, Throttled, Unreachable
from service.provider.task_object import told_by, with_links

FRESH_SECONDS = 2.0
MISSING_FRESH_SECONDS = 15.0
"""How long an answer counts; that there is no such task is news to few."""

MOST_AT_ONCE = 2
MOST_REMEMBERED = 1000


@dataclass(frozen=True, slots=True)
class Seen:
    """A task as its client sees it; without a document it is missing, or could not be asked about."""

    document: Mapping[str, Any] | None = None
    known_missing: bool = False
    detail: str = ""


class Reads(Protocol):
    async def glance(self, task_id: str) -> Reading: ...


class Watch:
    """Looks tasks up for their clients; `provider` is None where this process has no key."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        provider: Reads | None,
        rules: Rules,
        signer: AssetLinkSigner,
        public_url: str,
        reconcile: Nudge,
        clock: Callable[[], float] = time.monotonic,
        source: str = "evolink",
    ) -> None:
        self._catalog = catalog
        self._provider = provider
        self._rules = rules
        self._signer = signer
        self._public_url = public_url
        self._reconcile = reconcile
        self._clock = clock
        self._source = source
        self._asked: OrderedDict[str, tuple[float, asyncio.Task[Reading]]] = OrderedDict()

    async def task(self, task_id: str) -> Seen:
        """The task now. Raises CatalogUnavailable."""
        state = await self._catalog.read(lambda tx: tx.tasks.get(task_id))
        if state is not None and _is_final(state):
            return await self._shown(state)
        reading = await self._reading(task_id)
        match reading:
            case Found():
                await self._followed_up(state, reading)
                return await self._shown(state, reading)
            case Missing() if state is None:
                return Seen(known_missing=True)
            case Missing():
                return await self._shown(state)
            case Unreachable() | Throttled():
                detail = reading.detail if isinstance(reading, Unreachable) else "it wants to be left alone"
                return await self._shown(state) if state is not None else Seen(detail=detail)
            case _:
                assert_never(reading)

    async def _reading(self, task_id: str) -> Reading:
        """What the provider says, or said a moment ago; whoever asks while it is asked gets the same answer."""
        if self._provider is None:
            return Unreachable("this process has no key of the provider")
        now = self._clock()
        at, asking = self._asked.get(task_id, (float("-inf"), None))
        if asking is None or not _counts(asking, now - at):
            if sum(not task.done() for _, task in self._asked.values()) >= MOST_AT_ONCE:
                return Unreachable("too many ask about tasks just now")
            asking = asyncio.create_task(self._provider.glance(task_id), name="glance")
            self._asked.pop(task_id, None)
            self._asked[task_id] = (now, asking)
            self._forget_oldest()
        return await asyncio.shield(asking)

    def _forget_oldest(self) -> None:
        """Of what was asked for; what is still being asked stays counted."""
        done = [task_id for task_id, (_, task) in self._asked.items() if task.done()]
        for task_id in done[: max(0, len(self._asked) - MOST_REMEMBERED)]:
            del self._asked[task_id]

    async def _followed_up(self, state: TaskState | None, found: Found) -> None:
        """Have a task that nobody told of kept, and one that has ended asked about by those who decide."""
        if state is None:
            await self._catalog.write(partial(self._noticed, found=found))
        elif found.event.status.terminal and not state.task.confirmed:
            await self._catalog.write(partial(_due, task_id=state.task.id))
        else:
            return
        self._reconcile.nudge()

    def _noticed(self, tx: Transaction, *, found: Found) -> None:
        since = tx.now - self._rules.horizon
        notice(tx, [found.event], rules=self._rules, since=since, source=self._source)

    async def _shown(self, state: TaskState | None, found: Found | None = None) -> Seen:
        """The provider's own words where it knows more than we do; else the task with links of ours."""
        if found is not None and (state is None or not state.assets):
            return Seen(told_by(found.text))
        assert state is not None
        said = found.text if found is not None else state.task.provider_json
        return Seen(with_links(said, task=state.task, links=await self._links(state)))

    async def _links(self, state: TaskState) -> dict[int, str]:
        """Ours to what is archived, the provider's to what is not yet; what is dead or deleted has none."""
        pending = {asset.index: asset.link for asset in state.assets if asset.status is AssetStatus.PENDING}
        shown = [asset for asset in state.assets if asset.reason is not AssetReason.REFUTED]
        ours = await self._catalog.read(partial(known_links, assets=shown))
        if ours is None:
            ours = await self._catalog.write(partial(permanent_links, assets=shown))
        return pending | {index: url_of(self._signer, self._public_url, link) for index, link in ours.items()}


def _counts(asking: "asyncio.Task[Reading]", age: float) -> bool:
    """Whether an answer is to come, or is fresh."""
    if not asking.done():
        return True
    if asking.cancelled() or asking.exception() is not None:
        return False
    return age <= (MISSING_FRESH_SECONDS if isinstance(asking.result(), Missing) else FRESH_SECONDS)


def _is_final(state: TaskState) -> bool:
    return state.task.terminal and state.task.confirmed


def _due(tx: Transaction, *, task_id: str) -> None:
    state = tx.tasks.get(task_id)
    if state is not None and not state.task.confirmed:
        task = replace(state.task, check=begin(state.task.check, tx.now))
        tx.tasks.save([(state, replace(state, task=task))])
