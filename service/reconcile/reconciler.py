"""Asks the provider about due tasks, as leased work, and hands its answers to the intake.

It must not decide what an answer means, and it asks no faster than the client's budget allows.
"""

import logging
import time
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial

import structlog

from service.archive.spans import tell_settled
from service.archive.worker import AFTER_A_BUG
from service.background import Nudge
from service.catalog.checks import ClaimedCheck
from service.domain.rules import ConfirmMode, Rules
from service.errors import Unavailable
from service.intake.answers import Concluded, NobodyToAsk, Result, take_answers
from service.observability import Metrics
from service.observability.tracing import NO_TRACING, SpanName, Tracing, Value
from service.provider.reading import HealthState, Reading, Unreachable
from service.reconcile.clock_watch import Writes
from service.reconcile.provider import Provider

log = structlog.get_logger(__name__)

Questions = tuple[ClaimedCheck, ...]
"""Questions that are asked together."""

Answered = tuple[ClaimedCheck, Reading | NobodyToAsk]

FAIR_EVERY = 5
_AWAY = (HealthState.DOWN, HealthState.REFUSED)
_NO_ANSWER = {Result.UNREACHABLE: "the provider told nothing", Result.THROTTLED: "the provider wants to be left alone"}
"""In a trace there are no words of the provider: they may repeat a prompt."""


class Reconciler:
    """A kind of leased work: one piece of it is as many questions as the provider takes at once.

    `catalog` is where it writes: through a `ClockWatch` in a running service, so that no answer is judged by a clock
    that was just set.
    """

    def __init__(
        self,
        *,
        catalog: Writes,
        provider: Provider,
        rules: Rules,
        key_mark: str,
        metrics: Metrics,
        archive: Nudge,
        sidecars: Nudge,
        tracing: Tracing = NO_TRACING,
    ) -> None:
        self._catalog = catalog
        self._provider = provider
        self._rules = rules
        self._key_mark = key_mark
        self._metrics = metrics
        self._archive = archive
        self._sidecars = sidecars
        self._tracing = tracing
        self._answered = False
        self._claims = 0
        self.last_silence: str | None = None
        """Why the provider last said nothing of a task."""

    def may_ask(self) -> bool:
        """Whether asking makes sense now: not while the provider wants to be left alone."""
        return self._provider.pause <= 0

    async def claim(self, limit: int) -> list[Questions]:
        return await self.claim_due(limit)

    async def claim_due(self, limit: int, *, due_by: datetime | None = None) -> list[Questions]:
        """Claim what is due, or was due by then. Now and then who waits longest goes first, so that nobody starves."""
        self._claims += 1
        fair = self._claims % FAIR_EVERY == 0
        together = self._provider.most_at_once
        claimed = await self._catalog.write(
            lambda tx: tx.checks.claim(limit * together, due_by=due_by, longest_first=fair)
        )
        return [tuple(claimed[start : start + together]) for start in range(0, len(claimed), together)]

    async def release(self, claimed: Questions, *, after: timedelta = timedelta()) -> None:
        await self._catalog.write(lambda tx: tx.checks.release(claimed, after=after))

    async def work(self, claimed: Questions) -> None:
        """Ask and take the answers in; raises Unavailable when our own database is at fault."""
        await self.ask(claimed)

    async def ask(self, claimed: Questions) -> list[Concluded]:
        """The same, with what came of it."""
        started = time.monotonic()
        readings = await self._provider.read([one.task_id for one in claimed])
        reachable = await self._reachable(readings.values())
        answers = [(one, readings[one.task_id]) for one in claimed]
        answering = self._provider.health.state is HealthState.ANSWERING
        if answering and not self._answered:
            await self._catalog.write(lambda tx: tx.checks.end_silence())
        self._answered = answering
        concluded = await self._take_in(answers, reachable=reachable)
        for one in concluded:
            self._report(one)
            self._trace(one, together=len(claimed), seconds=time.monotonic() - started)
            tell_settled(self._tracing, one.settled)
        if any(one.wakes for one in concluded):
            self._archive.nudge()
        self._sidecars.nudge()
        return concluded

    async def _reachable(self, readings: Iterable[Reading | NobodyToAsk]) -> bool:
        """Whether the provider is there although it told nothing of some tasks: then nobody is believed instead."""
        silent = [reading for reading in readings if isinstance(reading, Unreachable)]
        if not silent:
            return True
        self.last_silence = silent[-1].detail
        if self._rules.mode is not ConfirmMode.PREFERRED:
            return False
        if self._provider.silent_for < self._rules.patience.total_seconds():
            return True
        return self._provider.health.state not in _AWAY and await self._provider.reachable()

    async def _take_in(self, answers: Sequence[Answered], *, reachable: bool) -> list[Concluded]:
        """Take answers in together; one that no transaction takes is set aside, and the others get through."""
        take = partial(take_answers, answers=answers, rules=self._rules, key_mark=self._key_mark, reachable=reachable)
        try:
            return await self._catalog.write(take)
        except Unavailable:
            raise
        except Exception:
            if len(answers) > 1:
                half = len(answers) // 2
                first = await self._take_in(answers[:half], reachable=reachable)
                return first + await self._take_in(answers[half:], reachable=reachable)
            [(claimed, _)] = answers
            log.exception("answer_poison", task_id=claimed.task_id)
            await self.release((claimed,), after=AFTER_A_BUG)
            return []

    def _trace(self, one: Concluded, *, together: int, seconds: float) -> None:
        """The span of a question, until its answer was durable; none where nobody was asked, or it was not ours."""
        if one.state is None or one.result is Result.UNASKED:
            return
        task = one.state.task
        if (trace := self._tracing.of(task.source, task.id)) is None:
            return
        error = _NO_ANSWER.get(one.result)
        attributes: dict[str, Value] = {
            "peer.service": task.source,
            "darkroom.confirm.result": one.result.value,
            "darkroom.confirm.together": together,
            "darkroom.confirm.believed": one.believed,
            "darkroom.task.status": task.status.value,
            "error.type": one.result.value if error else None,
        }
        trace.span(SpanName.CONFIRM, seconds=seconds, attributes=attributes, error=error)

    def _report(self, one: Concluded) -> None:
        """One canonical line and the metrics of an answer."""
        self._metrics.reconciled(one.result.value)
        for reason in one.deaths:
            self._metrics.died(reason)
        if not one.counted or one.state is None:
            log.info("answer_dropped", task_id=one.task_id, reason="somebody else asked meanwhile")
            return
        task = one.state.task
        quiet = one.result is not Result.TERMINAL and not one.deaths and not one.believed
        log.log(
            logging.DEBUG if quiet else logging.WARNING if one.deaths or one.believed else logging.INFO,
            "task_asked",
            task_id=one.task_id,
            result=one.result.value,
            status=task.status.value,
            reason=task.reason.value if task.reason else None,
            believed=one.believed or None,
            next_check_at=task.check.at.isoformat() if task.check.at else None,
        )
