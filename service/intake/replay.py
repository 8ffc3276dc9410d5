"""Callbacks run again from their kept bodies: through the reader and the rules of now, in small portions.

A portion is read and parsed outside of the writer; its transaction waits behind every live callback. A dry run plans in
a read-only transaction and writes nothing. Running the same again changes nothing more.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from service.catalog.catalog import Catalog, Transaction
from service.catalog.inbox_filter import InboxFilter
from service.domain.audit import Action, Actor
from service.domain.rules import Rules
from service.intake.batch import deaths
from service.intake.replay_plan import OldCallback, Plan, perform, plan
from service.provider.payload import read_callback

MOST_LISTED = 100
LONGEST_PAUSE = 0.2
"""Seconds; after each portion everybody else gets as long as it took."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay came to, or would come to: callbacks, and the ids of tasks that it changes, the first of them."""

    dry_run: bool
    matched: int
    readable: int
    accepted: int
    foreign: int
    unreadable: int
    without_body: int
    changed: tuple[str, ...]
    changed_total: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a replay is, as a share of all that may match; `deaths` of the last portion."""

    share: float
    matched: int
    deaths: tuple[str, ...]


async def replay(
    catalog: Catalog,
    wanted: InboxFilter,
    *,
    rules: Rules,
    dry_run: bool,
    progress: Callable[[Progress], None] = lambda _: None,
    by: Actor | None = None,
) -> Replayed:
    """Run matching callbacks again, of those that were there when it began. Raises CatalogUnavailable.

    It holds one portion in memory, and the ids of the tasks that it changes. The trail has it before anything changes.
    """
    if not dry_run:
        await catalog.write(partial(_note, wanted=wanted), by=by)
    first, last = await catalog.read(lambda tx: tx.replays.span(wanted))
    after, counts = first, Counter[str]()
    owners: dict[str, str | None] = {}
    while after < last:
        started = time.monotonic()
        callbacks, after = await catalog.read(partial(_read, wanted=wanted, after=after, last=last))
        work = partial(plan, callbacks=callbacks, rules=rules, owners=owners)
        done = await _run(catalog, work, dry_run=dry_run) if callbacks else Plan()
        counts += done.counts
        owners.update((task_id, state.task.token_id) for task_id, state in done.after.items())
        progress(Progress((after - first) / (last - first), counts["matched"], _deaths(done)))
        await asyncio.sleep(min(LONGEST_PAUSE, time.monotonic() - started))
    return Replayed(dry_run, **_numbers(counts), changed=tuple(owners)[:MOST_LISTED], changed_total=len(owners))


async def _run(catalog: Catalog, work: Callable[[Transaction], Plan], *, dry_run: bool) -> Plan:
    return await (catalog.read(work) if dry_run else catalog.write(lambda tx: perform(tx, work(tx))))


def _note(tx: Transaction, *, wanted: InboxFilter) -> None:
    said = {name: str(value) for name, value in asdict(wanted).items() if value is not None}
    said |= {"ids": f"{len(wanted.ids)} of them" if wanted.ids else "all"}
    tx.audit.note(Action.CALLBACKS_REPLAYED, said.pop("task_id", None), **said)


def _read(tx: Transaction, *, wanted: InboxFilter, after: int, last: int) -> tuple[list[OldCallback], int]:
    portion = tx.replays.portion(wanted, after=after, last=last)
    callbacks = [
        OldCallback(callback_id, len(body or b""), read_callback(body) if body is not None else None)
        for callback_id, body in portion.bodies.items()
    ]
    return callbacks, portion.end


def _deaths(done: Plan) -> tuple[str, ...]:
    """Why things were given up."""
    return tuple(reason for task_id, state in done.after.items() for reason in deaths(done.before.get(task_id), state))


def _numbers(counts: Counter[str]) -> dict[str, Any]:
    names = ("matched", "readable", "accepted", "foreign", "unreadable", "without_body")
    return {name: counts[name] for name in names}
