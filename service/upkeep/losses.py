"""A task whose archived bytes turned out to be gone, or whose bytes turned up. Pure; nothing is looked for here."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from service.catalog.tasks import TaskState
from service.domain.apply_event import settle
from service.domain.asset import Asset, AssetStatus, Stored
from service.domain.check import begin
from service.domain.history import Effect, HistoryEntry
from service.domain.loss import with_found_bytes, without_bytes
from service.domain.rules import Rules
from service.domain.task import Origin, Rank, Standing, Task


def with_losses(
    state: TaskState, lost: Mapping[int, str], found: Mapping[int, Stored], *, now: datetime, rules: Rules
) -> tuple[TaskState, list[HistoryEntry]]:
    """The task without the bytes of `lost` (why, by index) and with those of `found`, and what its history says of it.

    A confirmed task is asked about again, for the provider may have working links of what is lost.
    """
    if not lost and not found:
        return state, []
    assets, entries = list(state.assets), []
    for index, why in lost.items():
        assets[index] = without_bytes(assets[index], why, now=now, allowed_hosts=rules.allowed_hosts)
        entries.append(_entry(state.task, state.assets[index], assets[index], now))
    for index, stored in found.items():
        assets[index] = with_found_bytes(assets[index], stored, now=now)
        entries.append(_entry(state.task, state.assets[index], assets[index], now))
    task = state.task
    if rules.can_ask and task.confirmed and any(asset.status is AssetStatus.DEAD for asset in assets):
        task = replace(task, check=begin(task.check, now))
    task = replace(settle(task, assets, now=now), version=task.version + 1)
    return TaskState(task, tuple(assets)), entries


def _entry(task: Task, before: Asset, after: Asset, now: datetime) -> HistoryEntry:
    """An entry that says which bytes there were, as the row no longer does."""
    effect = Effect.GAVE_UP if after.status is AssetStatus.DEAD else Effect.RETRIED
    if after.stored is not None:
        note = f"image {after.index}: its bytes were found in the archive ({after.stored.sha256})"
    else:
        was = before.stored.sha256 if before.stored is not None else "no hash"
        note = f"image {after.index}: {after.detail} ({was})"
    return HistoryEntry(now, Origin.REPLAY, task.status.value, Standing.AUTHORITATIVE, effect, Rank.NOTHING, note=note)
