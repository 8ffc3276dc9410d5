"""Retention: images that are kept no longer by the operator's rules are deleted, each with a tombstone that says why.

Without rules everything is kept. What is held stays whatever the rules say. It deletes as people do, by
`archive.deletion`: the tombstone is durable first, the bytes follow.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import structlog

from service.archive.deletion import delete
from service.background import Nudge
from service.catalog.catalog import Catalog, Transaction
from service.catalog.kept import KeptImage
from service.domain.audit import Actor
from service.domain.retention import RetentionRule, Surplus, may_go, surplus

LOOKED_AT_TOGETHER = 2000
DELETED_TOGETHER = 50
"""Images of one transaction: intake waits for no more than these."""

PAUSE_SECONDS = 0.05

REACHED = "images:reached"
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

    async def apply(self) -> datetime:
        """One pass of all rules, one after the other: what one deletes, the next does not find.

        Returns the time that it went by, which may lie behind the clock.
        """
        now = await self._catalog.write(lambda tx: tx.marks.advance(REACHED, tx.now, first=tx.kept.newest()))
        for rule in self._rules:
            if number := await self._apply(rule, now):
                log.info("retention_deleted", rule=rule.name, count=number)
        return now

    async def foresee(self) -> datetime:
        """Tell what a pass would delete now; returns as `apply`. Several rules may name an image."""
        now = await self._catalog.read(lambda tx: tx.marks.believed(REACHED, tx.now, first=tx.kept.newest()))
        for rule in self._rules:
            left, found = await self._catalog.read(partial(_look, rule=rule, now=now))
            while found:
                going, left = _beginning(found, left)
                for one in going:
                    self._deleted(one)
                if len(going) < len(found):
                    break
                found = await self._catalog.read(partial(_next, rule=rule, after=found[-1]))
        return now

    async def _apply(self, rule: RetentionRule, now: datetime) -> int:
        """Delete what is too much, and look again until nothing is; returns how many images went.

        How much there is and what is oldest are looked up together, anew for each page: others may delete beside us.
        """
        number = 0
        while True:
            left, found = await self._catalog.read(partial(_look, rule=rule, now=now))
            going, _ = _beginning(found, left)
            gone = 0
            for at in range(0, len(going), DELETED_TOGETHER):
                gone += await self._delete(rule, going[at : at + DELETED_TOGETHER])
            number += gone
            if not gone:
                return number

    async def _delete(self, rule: RetentionRule, portion: Sequence[Going]) -> int:
        by = Actor("retention", rule.name, frozenset())
        gone = await self._catalog.write(partial(_gone, portion=portion), by=by)
        for one in gone:
            self._deleted(one)
        for nudge in self._nudges:
            nudge.nudge()
        await asyncio.sleep(PAUSE_SECONDS)
        return len(gone)


def _look(tx: Transaction, *, rule: RetentionRule, now: datetime) -> tuple[Surplus, list[KeptImage]]:
    """What is too much, and the oldest images; these first, so that what goes in between is not counted."""
    found = tx.kept.oldest(rule.tag, after=None, limit=LOOKED_AT_TOGETHER)
    images, size = tx.kept.total(rule.tag) if rule.counts else (0, 0)
    return surplus(rule, images=images, size=size, now=now), found


def _next(tx: Transaction, *, rule: RetentionRule, after: KeptImage) -> list[KeptImage]:
    return tx.kept.oldest(rule.tag, after=after, limit=LOOKED_AT_TOGETHER)


def _beginning(images: Sequence[KeptImage], left: Surplus) -> tuple[list[Going], Surplus]:
    """Those of the oldest images that go, and what is too much then."""
    going: list[Going] = []
    for image in images:
        why = left.why(image.archived_at)
        if why is None:
            break
        going.append(Going(left.rule, image, why))
        left = left.without(image.size)
    return going, left


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
