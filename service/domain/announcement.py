"""What others are told of, and who is told: events follow from a task's state. Pure.

The same state tells the same events, by the same ids, however often and by whomever it is looked at: also by a database
that was rebuilt from the archive.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import assert_never

from service.domain.asset import Asset, AssetReason, AssetStatus
from service.domain.task import Task

CALLER = "(caller)"
"""In place of an endpoint's name, which none can be: the URL that a client named when it submitted through us."""

KEPT = timedelta(days=30)
"""How long events are kept once they are delivered. What happened longer ago is told to nobody who has not been told:
by then nobody knows any more whether they were."""


class EventKind(StrEnum):
    """What happened; a closed set, and part of the public contract."""

    ASSET_ARCHIVED = "asset.archived"
    ASSET_DEAD = "asset.dead"
    TASK_SETTLED = "task.settled"


@dataclass(frozen=True, slots=True)
class Announcement:
    """An event that others may be told of; `index` is the image's, None for what concerns the task."""

    id: str
    kind: EventKind
    task_id: str
    index: int | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Listener:
    """An endpoint by its name: what it wants to hear of, and nothing from before it was first configured."""

    name: str
    kinds: frozenset[EventKind]
    since: datetime

    def wants(self, told: Announcement) -> bool:
        return told.kind in self.kinds and told.at >= self.since


def announcements(task: Task, assets: Sequence[Asset], *, now: datetime) -> tuple[Announcement, ...]:
    """All that a task's state tells, images by index and the task's settling last; `now` is when it is looked at."""
    of_assets = [told for asset in assets if (told := _of_asset(task, asset, now)) is not None]
    if task.settled_at is None:
        return tuple(of_assets)
    # with the status, as a settled task whose end turns out to be another one has news
    occasion = f"{task.settled_at.isoformat()} {task.status.value}"
    settled = _announcement(task, EventKind.TASK_SETTLED, None, occasion, task.settled_at)
    return (*of_assets, settled)


def tellable(told: Announcement, now: datetime) -> bool:
    """Whether it is known whether an event was told before."""
    return told.at >= now - KEPT


def _of_asset(task: Task, asset: Asset, now: datetime) -> Announcement | None:
    match asset.status:
        case AssetStatus.PENDING | AssetStatus.DELETED:
            return None
        case AssetStatus.ARCHIVED if asset.reason is AssetReason.REFUTED:
            return None  # the provider does not know it
        case AssetStatus.ARCHIVED:
            # again when it was fetched anew, as its loss has been told
            at = asset.archived_at or now
            occasion = asset.archived_at.isoformat() if asset.archived_at is not None else ""
            return _announcement(task, EventKind.ASSET_ARCHIVED, asset.index, occasion, at)
        case AssetStatus.DEAD:
            occasion = f"{asset.revivals} {asset.attempts}"
            return _announcement(task, EventKind.ASSET_DEAD, asset.index, occasion, _died(task, asset, now))
        case _:
            assert_never(asset.status)


def _died(task: Task, asset: Asset, now: datetime) -> datetime:
    """When an image died, which is not kept: no later than its task settled, unless it was lost out of the archive."""
    return now if task.settled_at is None or asset.reason is AssetReason.LOST else task.settled_at


def _announcement(task: Task, kind: EventKind, index: int | None, occasion: str, at: datetime) -> Announcement:
    said = (task.source, task.id, kind.value, "" if index is None else str(index), occasion)
    digest = hashlib.sha256("\0".join(("darkroom event", *said)).encode()).hexdigest()
    return Announcement(f"evt_{digest[:32]}", kind, task.id, index, at)
