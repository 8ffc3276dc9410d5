"""Deliveries made again because somebody asked, in small transactions; a dry run only counts."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial

from service.catalog.catalog import Catalog, Transaction
from service.catalog.delivery_filter import DeliveryFilter
from service.catalog.events import Matching
from service.domain.audit import Action, Actor
from service.domain.telling import DeliveryStatus

LONGEST_PAUSE = 0.2
"""Seconds; after each portion everybody else gets as long as it took."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """How many deliveries matched, and how many are to be made again."""

    matched: int
    replayed: int
    dry_run: bool


async def replay(
    catalog: Catalog,
    wanted: DeliveryFilter,
    *,
    dry_run: bool,
    progress: Callable[[], None] = lambda: None,
    by: Actor | None = None,
) -> Replayed:
    """Have deliveries made again that matched when this began: dead ones, where no status is named.

    They are due at once, each task's in their order. `progress` hears of each portion that was changed. The trail has
    it before anything changes.
    """
    wanted = replace(wanted, status=wanted.status or DeliveryStatus.DEAD)
    if not dry_run:
        await catalog.write(partial(_note, wanted=wanted), by=by)
    after, last = await catalog.read(lambda tx: tx.events.span(wanted))
    matched = replayed = 0
    while after < last:
        started = time.monotonic()
        found, changed = await _portion(catalog, partial(_again, wanted=wanted, after=after, last=last), dry_run)
        after, matched, replayed = found.end, matched + len(found.seqs), replayed + changed
        if changed:
            progress()
        await asyncio.sleep(min(LONGEST_PAUSE, time.monotonic() - started))
    return Replayed(matched, replayed, dry_run)


def _note(tx: Transaction, *, wanted: DeliveryFilter) -> None:
    said = {name: str(value) for name, value in asdict(wanted).items() if value is not None}
    said |= {"ids": f"{len(wanted.ids)} of them" if wanted.ids else "all"}
    tx.audit.note(Action.EVENTS_REPLAYED, said.pop("task_id", None), **said)


async def _portion(
    catalog: Catalog, work: Callable[[Transaction, bool], tuple[Matching, int]], dry_run: bool
) -> tuple[Matching, int]:
    return await (catalog.read if dry_run else catalog.write)(lambda tx: work(tx, dry_run))


def _again(tx: Transaction, dry_run: bool, *, wanted: DeliveryFilter, after: int, last: int) -> tuple[Matching, int]:
    found = tx.events.matching(wanted, after=after, last=last)
    assert wanted.status is not None
    changed = tx.events.again(found.seqs, wanted.status) if found.seqs and not dry_run else 0
    return found, changed
