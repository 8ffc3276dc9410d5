"""The client of the provider's task API: one task, several at once, the account's list. It decides nothing about tasks.

Reading several at once and listing are not documented by the provider: they are tried, and done without for an
hour when they turn out not to be there.
"""

import asyncio
import json
import random
import ssl
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from types import TracebackType
from typing import Self, assert_never
from urllib.parse import quote

import httpx
import structlog

from service.domain.object_key import is_task_id
from service.domain.task import EventStatus
from service.provider.access import Access
from service.provider.answer import batch_answer, list_answer, probe_answer, task_answer
from service.provider.exchange import Call, Exchange
from service.provider.health import HealthWatch
from service.provider.optional_route import OptionalRoute
from service.provider.reading import (
    Found,
    Listing,
    Missing,
    ProviderHealth,
    Reading,
    Throttled,
    Unreachable,
    Unsupported,
)
from service.provider.submitting import NotSent, Sent, submit_answer

MOST_AT_ONCE = 50
TIMEOUT = 15.0
"""Seconds for a whole request."""

TURN_WITHIN = 10.0
"""Seconds that a submission waits for its turn; its client waits too."""

GLANCE_WITHIN = 1.5
"""Seconds that a look for somebody who polls waits for its turn."""

NO_TASK = "task-unified-0000000000-none"
"""The id of no task."""

ONE_TASK_BYTES = 1024 * 1024
MANY_TASKS_BYTES = 8 * 1024 * 1024

log = structlog.get_logger(__name__)


class ProviderClient:
    """Asks as much as `requests_per_second` (above 0) allows; close it with `aclose` or as a context manager.

    `api_url` is scheme, host, port and path; `timeout` is seconds for a whole request; `jitter` gives numbers from 0
    to 1; `on_health` hears of every change. The constructor raises SettingsError for a key or URL that cannot be sent;
    no method raises for anything that the outside does.
    """

    def __init__(
        self,
        *,
        api_url: str,
        api_key: str,
        tls: ssl.SSLContext,
        user_agent: str,
        requests_per_second: float,
        timeout: float = TIMEOUT,
        turn_within: float = TURN_WITHIN,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
        on_health: Callable[[ProviderHealth], None] = lambda _: None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._clock = clock
        self._turn_within = turn_within
        self._exchange = Exchange(
            api_url=api_url, api_key=api_key, tls=tls, user_agent=user_agent, timeout=timeout, transport=transport
        )
        self._watch = HealthWatch(on_health=on_health, now=now)
        self._access = Access(
            self._exchange,
            self._watch,
            api_key=api_key,
            requests_per_second=requests_per_second,
            clock=clock,
            sleep=sleep,
            jitter=jitter,
            now=now,
        )
        self._batch = OptionalRoute()
        self._list = OptionalRoute()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close every connection."""
        await self._exchange.aclose()

    @property
    def most_at_once(self) -> int:
        """How many tasks one request can read, as far as we know."""
        return MOST_AT_ONCE if self._batch.believed(self._clock()) else 1

    @property
    def health(self) -> ProviderHealth:
        return self._watch.health

    @property
    def pause(self) -> float:
        """Seconds until asking makes sense again after a 429; an open breaker is no pause."""
        return self._access.pause

    async def read(self, task_ids: Sequence[str]) -> dict[str, Reading]:
        """Ask about tasks: one reading for each id. What can be no id is Missing without a request."""
        asked = list(dict.fromkeys(task_ids))
        readings: dict[str, Reading] = {}
        for task_ids in _split([task_id for task_id in asked if is_task_id(task_id)]):
            readings |= await self._several(task_ids)
        return {task_id: readings.get(task_id, Missing()) for task_id in asked}

    async def glance(self, task_id: str) -> Reading:
        """Ask about one task for somebody who only wants to see it: at once or not at all, and never as a probe."""
        if not is_task_id(task_id):
            return Missing()
        if not self._access.closed:
            return Unreachable("the provider is not asked just now")
        return await self._one(task_id, patience=GLANCE_WITHIN)

    @property
    def silent_for(self) -> float:
        """Seconds since the provider last answered and took our key; infinite before it ever did."""
        return self._clock() - self._access.last_good

    async def reachable(self) -> bool:
        """Whether the provider answers and takes our key, as a question about a task that cannot be tells."""
        begun = self._clock()
        await self._probe()
        return self._access.last_good >= begun

    async def list_page(self, page: int, *, size: int = MOST_AT_ONCE) -> Listing:
        """Ask for a page of the account's image tasks, counted from 1; `size` is at most 50."""
        if not self._list.believed(self._clock()):
            return Unsupported()
        call = Call("GET", f"/v1/tasks?type=image&page={page}&page_size={size}", MANY_TASKS_BYTES)
        listing = await self._access.ask(call, partial(list_answer, size))
        if isinstance(listing, Unsupported) and page == 1:  # a later one may only be past the end
            self._list.missing(self._clock())
            log.info("provider_route_missing", route="list")
        return listing

    async def submit(
        self, content: bytes, *, idempotency_key: str, within: float, still: Callable[[], bool] = lambda: True
    ) -> Sent:
        """Send a submission once, in JSON; `within` is seconds for the answer. Nothing is tried again here.

        `still` tells, at the last moment, whether it may leave.
        """
        call = Call(
            "POST",
            "/v1/images/generations",
            ONE_TASK_BYTES,
            content,
            headers=(("Idempotency-Key", idempotency_key),),
            once=True,
            timeout=within,
            patience=self._turn_within,
            still=still,
        )
        sent = await self._access.ask(call, submit_answer)
        match sent:
            case Unreachable():
                return NotSent(sent.detail)
            case Throttled():
                return NotSent("the provider wants to be left alone", sent.retry_after)
            case _:
                return sent

    async def _several(self, task_ids: Sequence[str]) -> dict[str, Reading]:
        """Read at once what can be, and one by one what that leaves open."""
        if len(task_ids) == 1 or self.most_at_once == 1 or not self._access.closed:
            return await self._one_by_one(task_ids)
        content = json.dumps({"task_ids": task_ids}).encode()
        answer = await self._access.ask(Call("POST", "/v1/tasks/batch", MANY_TASKS_BYTES, content), batch_answer)
        readings: dict[str, Reading] = {}
        match answer:
            case Unsupported():
                self._batch.missing(self._clock())
                log.info("provider_route_missing", route="batch")
            case Unreachable() | Throttled():
                pass  # where the route is not the reason, nothing leaves for the single reads either
            case tuple():
                asked = frozenset(task_ids)
                readings = {one.event.task_id: one for one in answer if one.event.task_id in asked and _whole(one)}
            case _:
                assert_never(answer)
        singly = await self._one_by_one([task_id for task_id in task_ids if task_id not in readings])
        if readings:
            self._batch.worked()
        elif any(isinstance(reading, Found) for reading in singly.values()):
            self._batch.failed(self._clock())
        return readings | singly

    async def _one_by_one(self, task_ids: Sequence[str]) -> dict[str, Reading]:
        """Each with a request of its own, some at a time.

        An open breaker and a suspect provider are tried with a neutral question: no task that was named may decide.
        """
        if not self._access.closed:
            await self._probe()
        async with asyncio.TaskGroup() as group:
            asked = {task_id: group.create_task(self._one(task_id)) for task_id in task_ids}
        if self._access.suspects:
            await self._probe()
        return {task_id: task.result() for task_id, task in asked.items()}

    async def _probe(self) -> None:
        call = Call("GET", f"/v1/tasks/{NO_TASK}", ONE_TASK_BYTES)
        await self._access.ask(call, partial(probe_answer, NO_TASK))

    async def _one(self, task_id: str, *, patience: float | None = None) -> Reading:
        call = Call("GET", f"/v1/tasks/{quote(task_id, safe='')}", ONE_TASK_BYTES, patience=patience)
        return await self._access.ask(call, partial(task_answer, task_id))


def _whole(found: Found) -> bool:
    """Whether an item of a batch tells what a single read would: lists may leave the links out, or the status."""
    if found.event.status is EventStatus.COMPLETED:
        return bool(found.event.links)
    return found.event.status is not EventStatus.UNKNOWN


def _split(task_ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(task_ids), MOST_AT_ONCE):
        yield task_ids[start : start + MOST_AT_ONCE]
