"""Retention: images that are kept no longer by the operator's rules are deleted, each with a tombstone that says why.

Without rules everything is kept. What is held stays whatever the rules say. It deletes as people do, by
`archive.deletion`: the tombstone is durable first, the bytes follow.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import structlog

from service.archive.deletion import delete
from service.background import Nudge
from service.catalog.catalog import Catalog, Transaction
from service.catalog.kept import KeptImage
from service.domain.audit import Actor
from service.domain.clock_step import clear_before
from service.domain.retention import RetentionRule, Surplus, may_go, surplus

EVERY_SECONDS = 3600.0
LOOKED_AT_TOGETHER = 2000
DELETED_TOGETHER = 50
"""Images of one transaction: intake waits for no more than these."""

PAUSE_SECONDS = 0.05

REACHED = "retention:reached"
"""The mark that tells which time the last pass went by: a clock that is set a year ahead deletes a day of images an
hour, and is noticed."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Going:
    """An image that a rule keeps no longer, and why."""

    rule: RetentionRule
    image: KeptImage
    why: str


class Retention:
    """Goes by rules; `deleted` hears of every image that went, or would go, and `nudges` wake whoever clears up."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        rules: Sequence[RetentionRule],
        deleted: Callable[[Going], None] = lambda _: None,
        nudges: Sequence[Nudge] = (),
    ) -> None:
        self._catalog = catalog
        self._rules = rules
        self._deleted = deleted
        self._nudges = nudges

    async def run(self) -> None:
        while True:
            await self.apply()
            await asyncio.sleep(EVERY_SECONDS)

    async def apply(self) -> None:
        """One pass of all rules, one after the other: what one deletes, the next does not find."""
        now = await self._catalog.write(lambda tx: tx.marks.advance(REACHED, tx.now))
        for rule in self._rules:
            number = 0
            async with aclosing(self._going(rule, now)) as portions:
                async for portion in portions:
                    number += await self._delete(rule, portion)
            if number:
                log.info("retention_deleted", rule=rule.name, count=number)

    async def foresee(self) -> None:
        """Tell what a pass would delete now, and change nothing. An image may be named by several rules."""
        now = await self._catalog.read(_now)
        for rule in self._rules:
            async with aclosing(self._going(rule, now)) as portions:
                async for portion in portions:
                    for one in portion:
                        self._deleted(one)

    async def _going(self, rule: RetentionRule, now: datetime) -> AsyncGenerator[list[Going], None]:
        """What a rule keeps no longer, the oldest first."""
        images, size = await self._catalog.read(lambda tx: tx.kept.total(rule.tag)) if rule.counts else (0, 0)
        left, after = surplus(rule, images=images, size=size, now=now), None
        while found := await self._catalog.read(partial(_oldest, rule=rule, after=after)):
            portion, left, ended = _beginning(found, left)
            for at in range(0, len(portion), DELETED_TOGETHER):
                yield portion[at : at + DELETED_TOGETHER]
            if ended:
                return
            after = found[-1]

    async def _delete(self, rule: RetentionRule, portion: Sequence[Going]) -> int:
        by = Actor("retention", rule.name, frozenset())
        gone = await self._catalog.write(partial(_gone, portion=portion), by=by)
        for one in gone:
            self._deleted(one)
        for nudge in self._nudges:
            nudge.nudge()
        await asyncio.sleep(PAUSE_SECONDS)
        return len(gone)


def _now(tx: Transaction) -> datetime:
    return clear_before(tx.now, tx.marks.get(REACHED))


def _oldest(tx: Transaction, *, rule: RetentionRule, after: KeptImage | None) -> list[KeptImage]:
    return tx.kept.oldest(rule.tag, after=after, limit=LOOKED_AT_TOGETHER)


def _beginning(images: Sequence[KeptImage], left: Surplus) -> tuple[list[Going], Surplus, bool]:
    """Those of the oldest images that go, what is too much then, and whether one stays."""
    going: list[Going] = []
    for image in images:
        why = left.why(image.archived_at)
        if why is None:
            return going, left, True
        going.append(Going(left.rule, image, why))
        left = left.without(image.size)
    return going, left, False


def _gone(tx: Transaction, *, portion: Sequence[Going]) -> list[Going]:
    """Delete those that the rule is still about; somebody may have changed them meanwhile."""
    states = tx.tasks.load({one.image.task_id for one in portion})
    gone = []
    for one in portion:
        state = states.get(one.image.task_id)
        if state is None or not may_go(one.rule, state.task, state.assets[one.image.index]):
            continue
        why = f"deleted by the retention rule {one.rule.name}: {one.why}"
        delete(tx, task_id=one.image.task_id, index=one.image.index, why=why)
        gone.append(one)
    return gone
