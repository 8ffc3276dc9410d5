"""What a sidecar says otherwise than the catalog, both of the same version. Pure.

Only what makes a task's version move on can differ for good: attempts and times of the next ones are bookkeeping.
"""

from collections.abc import Iterator
from dataclasses import fields, replace

from service.archive.sidecar_reader import SidecarRead
from service.catalog.tasks import TaskState
from service.domain.asset import Asset, AssetStatus
from service.domain.task import Check, Rank, Task

_LASTING = (AssetStatus.ARCHIVED, AssetStatus.DELETED)


def differences(read: SidecarRead, state: TaskState) -> list[str]:
    """Names of the members that differ. Of a task that is not settled, only images at rest are compared."""
    told, known = _shown(read.task), _shown(state.task)
    names = [part.name for part in fields(Task) if getattr(told, part.name) != getattr(known, part.name)]
    return [*names, *_of_assets(read, state)]


def knows_more(read: SidecarRead, state: TaskState) -> bool:
    """Whether a sidecar tells of an archived image that the catalog lacks: then the catalog is the older one."""
    kept = {asset.index for asset in state.assets if asset.status in _LASTING}
    return any(asset.status is AssetStatus.ARCHIVED and asset.index not in kept for asset in read.assets)


def _shown(task: Task) -> Task:
    text = task.provider_json.strip() if task.provider_json is not None else None
    return replace(
        task,
        provider_json=text,
        tags=dict(task.tags),
        callback_rank=Rank.NOTHING,
        expected_images=0,
        stranger=False,
        check=Check(),
        sidecar_version=0,
    )


def _of_assets(read: SidecarRead, state: TaskState) -> Iterator[str]:
    settled = state.task.settled_at is not None
    if settled and len(read.assets) != len(state.assets):
        yield "assets"
    known = {asset.index: asset for asset in state.assets}
    for told in read.assets:
        if told.index not in known:
            yield f"assets[{told.index}]"
        elif settled or told.status in _LASTING:
            one, other = _at_rest(told), _at_rest(known[told.index])
            differing = [part.name for part in fields(Asset) if getattr(one, part.name) != getattr(other, part.name)]
            yield from (f"assets[{told.index}].{name}" for name in differing)


def _at_rest(asset: Asset) -> Asset:
    stored = None if asset.status is AssetStatus.DELETED else asset.stored  # bytes that come late change a tombstone's
    return replace(asset, stored=stored, detail=None, attempts=0, revivals=0, next_attempt_at=None, purged=False)
