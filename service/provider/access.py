"""The way every request to the provider takes: may it leave, when, and what its answer says for the next ones.

It knows no route. Nothing is tried again here: the callers have ladders.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeVar

from service.observability.masking import MASK, masked
from service.outbound.retry_after import retry_after
from service.provider.answer import Judged, described
from service.provider.breaker import Breaker, BreakerState, Judgement, Ticket
from service.provider.budget import Budget
from service.provider.exchange import CONNECTIONS, Answer, Call, Exchange, NoAnswer
from service.provider.health import HealthWatch
from service.provider.pause import Pause
from service.provider.reading import HealthState, Throttled, Unreachable

R = TypeVar("R")

LONGEST_DETAIL = 200

_OPEN = {BreakerState.DOWN: HealthState.DOWN, BreakerState.REFUSED: HealthState.REFUSED}


class Access:
    """Lets calls through; `clock` counts seconds, `now` is the time of day for dates in answers.

    `api_key` is only known here in order to be taken out of details; it is not empty.
    """

    def __init__(
        self,
        exchange: Exchange,
        watch: HealthWatch,
        *,
        api_key: str,
        requests_per_second: float,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
        jitter: Callable[[], float],
        now: Callable[[], datetime],
    ) -> None:
        self._exchange = exchange
        self._watch = watch
        self._clock = clock
        self._now = now
        self._budget = Budget(requests_per_second, clock=clock, sleep=sleep)
        self._breaker = Breaker(jitter=jitter)
        self._pause = Pause()
        self._places = asyncio.Semaphore(CONNECTIONS)
        self._key = api_key
        self._last_good = float("-inf")

    @property
    def closed(self) -> bool:
        """Whether everything passes; otherwise the next call is a probe."""
        return self._breaker.state is BreakerState.CLOSED

    @property
    def suspects(self) -> bool:
        return self._breaker.suspects

    @property
    def last_good(self) -> float:
        """When the provider last answered and took the key, by the clock; before all time when it never did."""
        return self._last_good

    @property
    def pause(self) -> float:
        return self._pause.left(self._clock())

    async def ask(self, call: Call, judge: Callable[[Answer | NoAnswer], Judged[R]]) -> R | Unreachable | Throttled:
        """Send a call when its turn comes, or say at once why not; 401, 402 and 429 are judged here.

        Of a call that must not arrive twice all answers are for its judge.
        """
        if (kept := self._kept_back()) is not None:
            return kept
        try:
            async with asyncio.timeout(call.patience):
                await self._turn()
        except TimeoutError:
            return Unreachable("too many requests wait to be sent to the provider")
        try:
            if (kept := self._kept_back()) is not None:
                self._budget.give_back()
                return kept
            if not call.still():
                self._budget.give_back()
                return Unreachable("it was too late to send it")
            ticket = self._breaker.enter()  # nothing is awaited since the question whether it passes
            try:
                answer = await self._exchange.send(call)
                judged = judge(answer) if call.once else _judged(answer, judge)
            except BaseException:  # cancelled, as a rule: the next one may try
                self._breaker.leave(ticket, Judgement.NOTHING, self._clock())
                raise
        finally:
            self._places.release()
        if isinstance(answer, Answer) and answer.status == 429:
            throttled = self._throttled(ticket, answer)
            return judged.said if call.once else throttled
        return self._learnt(ticket, judged)

    async def _turn(self) -> None:
        """Wait for a place, and for the right to send one request."""
        await self._places.acquire()
        try:
            await self._budget.take()
        except BaseException:
            self._places.release()
            raise

    def _kept_back(self) -> Unreachable | Throttled | None:
        if left := self.pause:
            return Throttled(left)
        if self._breaker.passes(self._clock()):
            return None
        return Unreachable(f"not asked: {self._breaker.reason}"[:LONGEST_DETAIL], self._key_refused)

    def _throttled(self, ticket: Ticket, answer: Answer) -> Throttled:
        now = self._clock()
        self._breaker.leave(ticket, Judgement.NOTHING, now)
        self._pause.begin(now, asked=retry_after(answer.retry_after, now=self._now()))
        if self.closed:
            self._watch.saw(HealthState.THROTTLING)
        return Throttled(self.pause)

    def _learnt(self, ticket: Ticket, judged: Judged[R]) -> R | Unreachable:
        said = judged.said
        reason = self._worded(said.detail) if isinstance(said, Unreachable) else ""
        self._breaker.leave(ticket, judged.judgement, self._clock(), reason=reason, task_id=judged.task_id)
        good = judged.judgement is Judgement.GOOD
        if good:
            self._pause.end_of_row()
            self._last_good = self._clock()
        if not self.closed:
            self._watch.saw(_OPEN[self._breaker.state], self._breaker.reason)
        elif good and not self.pause:
            self._watch.saw(HealthState.ANSWERING)
        return Unreachable(reason, said.refused or self._key_refused) if isinstance(said, Unreachable) else said

    @property
    def _key_refused(self) -> bool:
        return self._breaker.state is BreakerState.REFUSED

    def _worded(self, detail: str) -> str:
        """Fit to be kept and shown; complaints about a key like to repeat it."""
        return masked(detail.replace(self._key, MASK))[:LONGEST_DETAIL]


def _judged(answer: Answer | NoAnswer, judge: Callable[[Answer | NoAnswer], Judged[R]]) -> Judged[R]:
    """A refused key means the same on every route."""
    if isinstance(answer, Answer) and answer.status in (401, 402):
        return Judged(described(answer, refused=True), Judgement.REFUSED)
    return judge(answer)
