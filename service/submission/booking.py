"""Counting what tasks cost: each once, on its day, for its key, its model and its tags, whatever happens to it later.

It looks at the task as it is now and puts right what was counted before, so it may be called at any time and any number
of times. It must not decide what may be spent.
"""

from collections.abc import Sequence
from datetime import UTC, date

from service.catalog.catalog import Transaction
from service.catalog.spending import Booked
from service.catalog.tasks import TaskState
from service.domain.asset import Asset
from service.domain.budget import NANO
from service.domain.subject import subjects_of
from service.domain.task import Task, TaskReason, TaskStatus
from service.submission.cost import Charge, charge, estimated_nano
from service.submission.price_list import Prices

MOST_CHARGED = 10_000 * NANO
"""Of one task: far above any price, and so little that a million of them can be added up in 64 bits."""

_NEVER_RAN = frozenset({TaskReason.UNKNOWN_TO_PROVIDER, TaskReason.REFUTED})
"""What the provider does not know it has not charged, whatever a callback said."""


def book(tx: Transaction, state: TaskState, prices: Prices) -> None:
    """Count a task as it stands, if it has ended, and give back what was reserved for it.

    Both change the sums at once, so that its budgets never show neither. Call it last in a transaction: see
    `catalog.spending`.
    """
    task = state.task
    given_back = tx.submissions.settle_reservation(task.id) if task.terminal else None
    tx.spending.book(task.id, booked_as(task, state.assets, prices), given_back=given_back)


def booked_as(task: Task, assets: Sequence[Asset], prices: Prices) -> Booked | None:
    """What a task is counted as; None while it has not ended. Images that were archived and deleted since count."""
    if not task.terminal:
        return None
    return Booked(
        day=day_of(task),
        subjects=subjects_of(key_name=task.submitted_by, model=task.model, tags=task.tags),
        charged=min(_charged(task, prices), MOST_CHARGED),
        images=sum(asset.stored is not None for asset in assets),
    )


def charge_of(task: Task, prices: Prices) -> Charge | None:
    """What the provider reports that a task cost, by the prices of its day; None where that is not known."""
    if task.reason in _NEVER_RAN:
        return None
    return charge(task.model, task.usage, prices, day=day_of(task))


def day_of(task: Task) -> date:
    """The day (UTC) on which a task counts."""
    return (task.created_at or task.received_at).astimezone(UTC).date()


def _charged(task: Task, prices: Prices) -> int:
    """Nano US dollars: as reported, else as estimated if there are images, else nothing."""
    reported = charge_of(task, prices)
    if reported is not None:
        return reported.nano_usd
    if task.status is not TaskStatus.COMPLETED or task.estimate is None:
        return 0
    return estimated_nano(task.estimate)
