"""Asks the provider about due tasks, as leased work, and hands its answers to the intake.

It must not decide what an answer means, and it asks no faster than the client's budget allows.
"""

import logging
from collections.abc import Sequence
from datetime import timedelta
from functools import partial

import structlog

from service.background import Nudge
from service.catalog.catalog import Catalog, Transaction
from service.catalog.checks import ClaimedCheck
from service.domain.rules import Rules
from service.intake.answers import Concluded, NobodyToAsk, Result, take_answers
from service.observability import Metrics
from service.provider.reading import HealthState, Reading
from service.reconcile.provider import Provider

log = structlog.get_logger(__name__)

Questions = tuple[ClaimedCheck, ...]
"""Questions that are asked together."""


class Reconciler:
    """A kind of leased work: one piece of it is as many questions as the provider takes at once."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        provider: Provider,
        rules: Rules,
        key_mark: str,
        metrics: Metrics,
        archive: Nudge,
        sidecars: Nudge,
    ) -> None:
        self._catalog = catalog
        self._provider = provider
        self._rules = rules
        self._key_mark = key_mark
        self._metrics = metrics
        self._archive = archive
        self._sidecars = sidecars
        self._answered = False

    def may_ask(self) -> bool:
        """Whether asking makes sense now: not while the provider wants to be left alone."""
        return self._provider.pause <= 0

    async def claim(self, limit: int) -> list[Questions]:
        together = self._provider.most_at_once
        claimed = await self._catalog.write(lambda tx: tx.checks.claim(limit * together))
        return [tuple(claimed[start : start + together]) for start in range(0, len(claimed), together)]

    async def release(self, claimed: Questions, *, after: timedelta = timedelta()) -> None:
        await self._catalog.write(lambda tx: tx.checks.release(claimed, after=after))

    async def work(self, claimed: Questions) -> None:
        """Ask and take the answers in; raises Unavailable when our own database is at fault."""
        await self.ask(claimed)

    async def ask(self, claimed: Questions) -> list[Concluded]:
        """The same, with what came of it."""
        readings = await self._provider.read([one.task_id for one in claimed])
        answering = self._provider.health.state is HealthState.ANSWERING
        answers = [(one, readings[one.task_id]) for one in claimed]
        concluded = await self._catalog.write(
            partial(self._take, answers=answers, again=answering and not self._answered)
        )
        self._answered = answering
        for one in concluded:
            self._report(one)
        if any(one.wakes for one in concluded):
            self._archive.nudge()
        self._sidecars.nudge()
        return concluded

    def _take(
        self, tx: Transaction, *, answers: Sequence[tuple[ClaimedCheck, Reading | NobodyToAsk]], again: bool
    ) -> list[Concluded]:
        concluded = take_answers(tx, answers, rules=self._rules, key_mark=self._key_mark)
        if again:
            tx.checks.end_silence()
        return concluded

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
