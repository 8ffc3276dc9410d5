"""Trying again everything that matches, in small transactions, or only telling what would be."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from service.catalog.catalog import Catalog, Transaction
from service.catalog.dead import DeadFilter
from service.domain.audit import Actor
from service.domain.rules import Rules
from service.errors import Refused
from service.intake.retry import retry

TOGETHER = 50


@dataclass(frozen=True, slots=True)
class Retried:
    """One task that matched; `refused` says why it was not tried again."""

    task_id: str
    refused: str | None = None


async def matching(catalog: Catalog, wanted: DeadFilter) -> list[str]:
    """The ids of dead tasks, and of tasks with dead images, that match."""
    return await catalog.read(lambda tx: tx.dead.tasks(wanted))


async def retry_each(
    catalog: Catalog,
    task_ids: Sequence[str],
    *,
    rules: Rules,
    progress: Callable[[int], None] = lambda _: None,
    by: Actor | None = None,
) -> list[Retried]:
    """Try tasks again; `progress` hears how many are done."""
    done: list[Retried] = []
    for start in range(0, len(task_ids), TOGETHER):
        some = task_ids[start : start + TOGETHER]
        done += await catalog.write(partial(_retry_some, task_ids=some, rules=rules), by=by)
        progress(len(done))
    return done


def _retry_some(tx: Transaction, *, task_ids: Sequence[str], rules: Rules) -> list[Retried]:
    return [_retry_one(tx, task_id, rules) for task_id in task_ids]


def _retry_one(tx: Transaction, task_id: str, rules: Rules) -> Retried:
    try:
        retry(tx, task_id=task_id, rules=rules)
    except Refused as error:  # raised before anything was written
        return Retried(task_id, str(error))
    return Retried(task_id)
