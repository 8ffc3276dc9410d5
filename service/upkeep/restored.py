"""From what a sidecar tells and what lies beside it to the task as the catalog shall have it. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from service.archive.sidecar_reader import SidecarRead
from service.catalog.restore import Remembered
from service.catalog.tasks import TaskState
from service.domain.apply_event import settle
from service.domain.asset import Asset, AssetStatus, Stored
from service.domain.check import begin, first_check
from service.domain.history import HistoryEntry
from service.domain.rules import ConfirmMode, Rules
from service.domain.task import Check, Task, TaskStatus
from service.upkeep.losses import with_losses


@dataclass(frozen=True, slots=True)
class Restored:
    """A task for the catalog. Its history refers to callbacks by the ids of the lost catalog, as `bodies` has them."""

    state: TaskState
    history: tuple[HistoryEntry, ...]
    callbacks: tuple[Remembered, ...]
    bodies: Mapping[int, str]  # the hash of the body by the callback's former id


def restored(
    read: SidecarRead,
    lost: Mapping[int, str],
    found: Mapping[int, Stored],
    *,
    purged: Collection[int],
    now: datetime,
    rules: Rules,
) -> Restored:
    """The task, with its unfinished images due and its questions planned; its version moves on only with the news.

    `lost` says of archived images why their bytes cannot be had; `found` are proven bytes of images not archived yet;
    of `purged` ones, which are deleted, no bytes are left.
    """
    state, entries = with_losses(TaskState(read.task, read.assets), lost, found, now=now, rules=rules)
    task = settle(state.task, state.assets, now=now)
    if task.settled_at != state.task.settled_at:
        task = replace(task, version=task.version + 1)
    task = replace(task, check=_check(task, now=now, rules=rules))
    assets = tuple(replace(_due(asset, now), purged=asset.index in purged) for asset in state.assets)
    return Restored(
        TaskState(task, assets),
        (*read.history, *entries),
        tuple(
            Remembered(
                source=task.source,
                task_id=task.id,
                origin=one.origin,
                body_sha256=one.body_sha256,
                verdict=one.verdict,
                received_at=one.received_at,
                token_id=one.token_id,
                status=one.status,
                deliveries=one.deliveries,
                size=one.size,
            )
            for one in read.evidence
        ),
        {one.callback_id: one.body_sha256 for one in read.evidence if one.callback_id is not None},
    )


def _due(asset: Asset, now: datetime) -> Asset:
    return replace(asset, next_attempt_at=now) if asset.status is AssetStatus.PENDING else asset


def _check(task: Task, *, now: datetime, rules: Rules) -> Check:
    """A new round where one was going on, where the task is open, and where its end is not confirmed.

    An unconfirmed end that is older than the horizon, and that nobody asked about, is left alone: it was believed
    without a key, and a provider that has forgotten it by now would refute it.
    """
    if not task.terminal:
        return begin(Check(), now) if rules.can_ask else first_check(now, rules=rules)
    believed = not task.confirmed and task.status is not TaskStatus.DEAD and rules.mode is not ConfirmMode.OFF
    is_young = now < task.received_at + rules.horizon
    asks = task.check.at is not None or (believed and is_young)
    return begin(Check(), now) if rules.can_ask and asks else Check()
