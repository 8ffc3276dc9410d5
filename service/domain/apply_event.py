"""What an event changes: (task, assets, event) → (task, assets, history entry). The heart of the ledger, pure.

Any order and repetition of the same events ends in the same status, links and hashes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from service.domain.asset import Asset, AssetStatus, new_asset, with_link
from service.domain.link import place, refusal
from service.domain.retry import credible_created, link_deadline
from service.domain.task import (
    EventStatus,
    Origin,
    Rank,
    Standing,
    Task,
    TaskEvent,
    TaskStatus,
    rank_of,
    status_of,
)


@dataclass(frozen=True, slots=True)
class Rules:
    """What the operator decides about events."""

    link_lifetime: timedelta
    allowed_hosts: tuple[str, ...]
    can_confirm: bool = False  # a provider key is configured, so hints can be followed up


class Effect(StrEnum):
    """Why an event counted or did not; a closed set, shown in the history."""

    DECIDED = "decided"  # it set the status
    AGREED = "agreed"  # the status was already that
    OUTRANKED = "outranked"  # a stronger event is known
    HINT = "hint"  # it may not be believed
    UNKNOWN_STATUS = "unknown_status"  # a status word that we do not know
    TOLD = "told"  # somebody registered the task


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One event as the task's history keeps it."""

    at: datetime
    origin: Origin
    status: str
    standing: Standing
    effect: Effect
    rank: Rank
    callback_id: int | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Sender:
    """Who an event came through: the token's id and what was minted into it."""

    token_id: str | None = None
    ref: str | None = None
    tags: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Applied:
    """The state after an event; `assets` are all of the task's, in index order."""

    task: Task
    assets: tuple[Asset, ...]
    entry: HistoryEntry


@dataclass(frozen=True, slots=True)
class Arrival:
    """Circumstances of an event: when it was received, how, and how far it may be believed."""

    source: str
    at: datetime
    origin: Origin
    standing: Standing
    sender: Sender = Sender()


def apply_event(
    task: Task | None,
    assets: Sequence[Asset],
    event: TaskEvent,
    arrival: Arrival,
    *,
    rules: Rules,
    event_json: str | None = None,
) -> Applied | None:
    """Take an event in; None when it may neither be believed nor followed up, so that it leaves no task behind."""
    if arrival.standing is Standing.HINT:
        return _hint(task, assets, event, arrival, rules=rules)
    allowed = any(refusal(link, rules.allowed_hosts) is None for link in event.links)
    rank = rank_of(event, any_link_allowed=allowed)
    before = _known(task, event, arrival, rules=rules)
    after_assets, dropped = _with_links(before, assets, event, arrival, rules=rules)
    after = _decided(before, after_assets, event, rank, event_json)
    if event.status is EventStatus.UNKNOWN:
        after = replace(after, check_at=arrival.at)
    after = settle(_dated(after, after_assets, arrival), after_assets, now=arrival.at)
    note = f"{dropped} links were left out: over the limit, or the same path as another" if dropped else None
    entry = _entry(event, arrival, rank, _effect(before, event, rank), note)
    changed = task is None or _shown(after) != _shown(task) or _links(after_assets) != _links(assets)
    if changed or contradicts(entry, after):
        after = replace(after, version=before.version + 1)
    return Applied(task=after, assets=after_assets, entry=entry)


def settle(task: Task, assets: Sequence[Asset], *, now: datetime) -> Task:
    """Set `settled_at` when nothing is left to do, and take it back when something is."""
    waiting = any(asset.status is AssetStatus.PENDING for asset in assets)
    done = task.terminal and not waiting
    if done == (task.settled_at is not None):
        return task
    return replace(task, settled_at=now if done else None)


def contradicts(entry: HistoryEntry, task: Task) -> bool:
    """Whether an entry is the loser of two terminal events: it said one end, the task came to another."""
    if entry.standing is not Standing.AUTHORITATIVE or entry.rank < Rank.COMPLETED_WITHOUT_LINKS:
        return False
    completed = (Rank.COMPLETED, Rank.COMPLETED_WITHOUT_LINKS)
    both_completed = entry.rank in completed and task.rank in completed
    return entry.rank < task.rank and not both_completed


def _hint(
    task: Task | None, assets: Sequence[Asset], event: TaskEvent, arrival: Arrival, *, rules: Rules
) -> Applied | None:
    """A hint is kept and makes its task due for confirmation; it changes nothing else."""
    if task is None and not rules.can_confirm:
        return None
    known = task or Task(id=event.task_id, source=arrival.source, received_at=arrival.at, version=1)
    due = arrival.at if rules.can_confirm else known.check_at
    entry = _entry(event, arrival, Rank.NOTHING, Effect.HINT, None)
    return Applied(task=replace(known, check_at=due), assets=tuple(assets), entry=entry)


def _known(task: Task | None, event: TaskEvent, arrival: Arrival, *, rules: Rules) -> Task:
    """The task with what every event may add: its owner, labels, model, and the time it was created."""
    known = task or Task(id=event.task_id, source=arrival.source, received_at=arrival.at)
    created = known.created_at or credible_created(event.created, arrival.at)
    return replace(
        known,
        token_id=known.token_id or arrival.sender.token_id,
        ref=known.ref if known.ref is not None else arrival.sender.ref,
        tags=known.tags or dict(arrival.sender.tags),
        model=known.model or event.model,
        created_at=created,
        deadline=_deadline(known, created, event, arrival, rules=rules),
        confirmed=known.confirmed or arrival.origin is Origin.POLL,
    )


def _deadline(
    known: Task, created: datetime | None, event: TaskEvent, arrival: Arrival, *, rules: Rules
) -> datetime | None:
    """When the links die; without a credible creation time it counts from the event that brought the first ones."""
    if created is not None or (known.deadline is None and event.links):
        return link_deadline(created, arrival.at, rules.link_lifetime)
    return known.deadline


def _with_links(
    task: Task, assets: Sequence[Asset], event: TaskEvent, arrival: Arrival, *, rules: Rules
) -> tuple[tuple[Asset, ...], int]:
    """The task's assets with the links of a completed event, and how many links were left out."""
    if event.status is not EventStatus.COMPLETED or not event.links:
        return tuple(assets), 0
    assert task.deadline is not None
    now, deadline, hosts = arrival.at, task.deadline, rules.allowed_hosts
    placed = place([asset.known_links for asset in assets], event.links)
    kept = [
        with_link(asset, placed.known[asset.index], now=now, deadline=deadline, allowed_hosts=hosts)
        if asset.index in placed.known
        else asset
        for asset in assets
    ]
    added = [
        new_asset(task.id, index, link, now=now, deadline=deadline, allowed_hosts=hosts)
        for index, link in placed.new.items()
    ]
    return (*kept, *added), placed.dropped


def _decided(task: Task, assets: Sequence[Asset], event: TaskEvent, rank: Rank, event_json: str | None) -> Task:
    """The task as the strongest event has it; one of equal rank only refreshes what it reports."""
    if rank < task.rank or rank is Rank.NOTHING:
        return task
    status, reason = status_of(rank, has_assets=bool(assets))
    return replace(
        task,
        rank=rank,
        status=status,
        reason=reason,
        usage=event.usage or task.usage,
        error=event.error if status in (TaskStatus.FAILED, TaskStatus.CANCELLED) else None,
        provider_json=event_json or task.provider_json,
    )


def _dated(task: Task, assets: Sequence[Asset], arrival: Arrival) -> Task:
    """Fix the archive folder's date once there is something to keep."""
    if task.archive_date is not None or not (assets or task.terminal):
        return task
    return replace(task, archive_date=(task.created_at or arrival.at).date())


def _effect(before: Task, event: TaskEvent, rank: Rank) -> Effect:
    if event.status is EventStatus.UNKNOWN:
        return Effect.UNKNOWN_STATUS
    if rank > before.rank:
        return Effect.DECIDED
    return Effect.AGREED if rank == before.rank else Effect.OUTRANKED


def _entry(event: TaskEvent, arrival: Arrival, rank: Rank, effect: Effect, note: str | None) -> HistoryEntry:
    return HistoryEntry(
        at=arrival.at,
        origin=arrival.origin,
        status=event.word,
        standing=arrival.standing,
        effect=effect,
        rank=rank,
        note=note,
    )


def _shown(task: Task) -> Task:
    """What a sidecar shows of a task: all but the bookkeeping."""
    return replace(task, version=0, sidecar_version=0, check_at=None)


def _links(assets: Sequence[Asset]) -> list[tuple[str, ...]]:
    return [asset.known_links for asset in assets]
