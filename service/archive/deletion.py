"""Deleting an asset: the tombstone is durable first, the bytes go afterwards, and nothing brings it back."""

from dataclasses import replace

from service.catalog.catalog import Transaction
from service.catalog.tasks import TaskState
from service.domain.apply_event import settle
from service.domain.asset import AssetStatus, deleted
from service.domain.audit import Action
from service.errors import NotFound


def delete(tx: Transaction, *, task_id: str, index: int) -> None:
    """Write the tombstone; whoever is fetching the asset just now loses the claim. Deleting again changes nothing."""
    state = tx.tasks.get(task_id)
    if state is None or index >= len(state.assets):
        raise NotFound("asset_not_found", "no such asset")
    if state.assets[index].status is AssetStatus.DELETED:
        return
    assets = tuple(deleted(one) if one.index == index else one for one in state.assets)
    task = settle(state.task, assets, now=tx.now)
    tx.tasks.save([(state, TaskState(replace(task, version=task.version + 1), assets))])
    tx.work.drop_claim(task_id, index)
    tx.audit.note(Action.ASSET_DELETED, f"{task_id}.{index}")
