"""What an event changes: (task, assets, event) → (task, assets, history entry). The heart of the ledger, pure.

What the provider itself says of an end beats what callbacks say, and within each the higher rank wins; so any order and
repetition of the same events ends in the same status, links and hashes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from service.domain.asset import Asset, AssetReason, AssetStatus, new_asset, only_linked_by, refuted, with_link
from service.domain.check import begin, first_check
from service.domain.history import Effect, HistoryEntry, contradicts
from service.domain.link import MAX_LINKS, identity, place, refusal
from service.domain.retry import credible_created, link_deadline
from service.domain.rules import ConfirmMode, Rules
from service.domain.task import (
    Check,
    EventStatus,
    Origin,
    Rank,
    Standing,
    Task,
    TaskEvent,
    TaskReason,
    TaskStatus,
    rank_of,
    status_of,
)

Members = dict[str, Any]
"""Of a task, by name: it is made anew once for all that changes, as that is dear."""


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
    """Circumstances of an event: when it was received, how, and how far it may be believed.

    `foreign`: it came through a token that the task does not belong to. `callback_id`: its row in the inbox.
    """

    source: str
    at: datetime
    origin: Origin
    standing: Standing
    sender: Sender = Sender()
    foreign: bool = False
    callback_id: int | None = None

    @property
    def from_provider(self) -> bool:
        """Whether we asked: then nobody else can have put it there."""
        return self.origin is Origin.POLL


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
    rank = rank_of(event, any_link_allowed=any(refusal(link, rules.allowed_hosts) is None for link in event.links))
    outdone = task is not None and task.confirmed and not arrival.from_provider
    if arrival.standing is Standing.HINT or outdone:
        return _hint(task, assets, event, replace(arrival, standing=Standing.HINT), rank=rank, rules=rules)
    before = _known(task, assets, event, arrival, rank, rules=rules)
    after_assets, dropped = _with_links(before, assets, event, arrival, rules=rules)
    decided: Members = {}
    if _counts(before, event, rank, arrival):
        names_images = event.status is EventStatus.COMPLETED and event.links
        confirmed = arrival.from_provider and event.status.terminal
        if confirmed and not before.confirmed and not names_images:
            after_assets = tuple(refuted(asset) for asset in after_assets)
        decided = _decided(before, after_assets, event, rank, confirmed=confirmed, event_json=event_json)
    status = decided.get("status", before.status)
    followed = _followed(before, status, after_assets, event, arrival, rules=rules)
    after = replace(before, **decided, **followed, version=before.version + (task is None))
    note = f"{dropped} links were left out: over the limit, or the same path as another" if dropped else None
    entry = _entry(event, arrival, rank, _effect(before, after, event, rank), note)
    if task is not None and (
        _shown(after) != _shown(task) or _links(after_assets) != _links(assets) or contradicts(entry, after)
    ):
        after = replace(after, version=before.version + 1)
    return Applied(task=after, assets=after_assets, entry=entry)


def settle(task: Task, assets: Sequence[Asset], *, now: datetime) -> Task:
    """Set `settled_at` when nothing is left to do, and take it back when something is."""
    settled_at = _settled_at(task, task.status, assets, now)
    return task if settled_at == task.settled_at else replace(task, settled_at=settled_at)


def dated(task: Task, assets: Sequence[Asset], *, now: datetime) -> Task:
    """Fix the archive folder's date once there is something to keep."""
    archive_date = _archive_date(task, task.status, assets, now)
    return task if archive_date == task.archive_date else replace(task, archive_date=archive_date)


def standing_status(task: Task, assets: Sequence[Asset]) -> Task:
    """The task with the status that its rank leads to."""
    status, reason = _standing(task, assets, task.rank, confirmed=task.confirmed)
    return replace(task, status=status, reason=reason)


def _settled_at(task: Task, status: TaskStatus, assets: Sequence[Asset], now: datetime) -> datetime | None:
    done = status.terminal and not any(asset.status is AssetStatus.PENDING for asset in assets)
    return (task.settled_at or now) if done else None


def _archive_date(task: Task, status: TaskStatus, assets: Sequence[Asset], now: datetime) -> date | None:
    if task.archive_date is not None or not (assets or status.terminal):
        return task.archive_date
    return (task.created_at or now).date()


def _standing(
    task: Task, assets: Sequence[Asset], rank: Rank, *, confirmed: bool
) -> tuple[TaskStatus, TaskReason | None]:
    """Status and reason that a rank leads to; a failure that a callback calls a cancellation is one."""
    status, reason = status_of(rank, has_assets=any(asset.reason is not AssetReason.REFUTED for asset in assets))
    if confirmed and rank is Rank.FAILED and task.callback_rank is Rank.CANCELLED:
        status = TaskStatus.CANCELLED
    return status, reason


def _hint(
    task: Task | None, assets: Sequence[Asset], event: TaskEvent, arrival: Arrival, *, rank: Rank, rules: Rules
) -> Applied | None:
    """A hint is kept, names the task's owner, and makes the task due for confirmation; it decides nothing."""
    if task is None and not rules.can_ask:
        return None
    members = _owner(task, event, arrival, rank)
    known = replace(task, **members) if task else _new(event, arrival, rules=rules, **members)
    if rules.can_ask and _is_news(known, assets, event):
        known = replace(known, check=begin(known.check, arrival.at))
    if known.confirmed and known.status is not TaskStatus.DEAD:
        known = standing_status(known, assets)  # it may be the callback that calls a failure a cancellation
    if task is None or _shown(known) != _shown(task):
        known = replace(known, version=known.version + 1)
    entry = _entry(event, arrival, rank, Effect.FOREIGN if arrival.foreign else Effect.HINT, None)
    return Applied(task=known, assets=tuple(assets), entry=entry)


def _is_news(task: Task, assets: Sequence[Asset], event: TaskEvent) -> bool:
    """Whether a hint says anything that the provider's own answer has not settled already."""
    if not task.confirmed or task.status is TaskStatus.DEAD or event.status is EventStatus.UNKNOWN:
        return True
    known = {identity(link) for asset in assets for link in asset.known_links}
    if event.status is EventStatus.COMPLETED:
        return task.status is not TaskStatus.COMPLETED or any(identity(link) not in known for link in event.links)
    agreed = {EventStatus.FAILED: TaskStatus.FAILED, EventStatus.CANCELLED: TaskStatus.CANCELLED}
    return event.status.terminal and agreed[event.status] is not task.status


def _new(event: TaskEvent, arrival: Arrival, *, rules: Rules, **members: Any) -> Task:
    """A task that was not known; until its creation is, its links are counted from now."""
    deadline = {"deadline": arrival.at + rules.link_lifetime}
    return Task(id=event.task_id, source=arrival.source, received_at=arrival.at, **(deadline | members))


def _owner(task: Task | None, event: TaskEvent, arrival: Arrival, rank: Rank) -> Members:
    """A task's owner, labels, and the most that its callbacks said; what is foreign adds none of that.

    A URL's tags come with the callback that makes it the owner, and never again: they may have been removed since.
    """
    if arrival.foreign or arrival.from_provider:
        return {}
    sender = arrival.sender
    links = min(len({identity(link) for link in event.links}), MAX_LINKS) if event.status.terminal else 0
    if task is None:
        labels = {"token_id": sender.token_id, "ref": sender.ref, "tags": dict(sender.tags)}
        return {**labels, "callback_rank": rank, "expected_images": links}
    return {
        "token_id": task.token_id or sender.token_id,
        "ref": task.ref if task.ref is not None else sender.ref,
        "tags": task.tags or (dict(sender.tags) if task.token_id is None else {}),
        "callback_rank": max(task.callback_rank, rank),
        "expected_images": max(task.expected_images, links),
        "stranger": False,
    }


def _known(
    task: Task | None, assets: Sequence[Asset], event: TaskEvent, arrival: Arrival, rank: Rank, *, rules: Rules
) -> Task:
    """The task with what every believed event may add: model, the time it was created, and when its links die.

    Without a credible creation time that counts from the event that brought the first ones.
    """
    members = _owner(task, event, arrival, rank)
    created = (task.created_at if task else None) or credible_created(event.created, arrival.at)
    members |= {"model": (task.model if task else None) or event.model, "created_at": created}
    deadline = link_deadline(created, arrival.at, rules.link_lifetime)
    if task is None:
        return _new(event, arrival, rules=rules, **members, deadline=deadline)
    counts_anew = created is not None or task.deadline is None or (event.links and not assets)
    return replace(task, **members, deadline=deadline if counts_anew else task.deadline)


def _with_links(
    task: Task, assets: Sequence[Asset], event: TaskEvent, arrival: Arrival, *, rules: Rules
) -> tuple[tuple[Asset, ...], int]:
    """The task's assets with the links of a completed event, and how many links were left out.

    The provider's first answer refutes the links that only a callback spoke of; none of its own takes their place.
    """
    if event.status is not EventStatus.COMPLETED or not event.links:
        return tuple(assets), 0
    now, deadline, hosts = arrival.at, task.deadline or arrival.at + rules.link_lifetime, rules.allowed_hosts
    first_answer = arrival.from_provider and not task.confirmed
    # what only callbacks say moves no link either where the provider can be asked: its answer has to find each in place
    by_position = not first_answer and (arrival.from_provider or not rules.can_ask)
    standing = [asset.index for asset in assets if asset.reason is not AssetReason.REFUTED]
    placed = place([asset.known_links for asset in assets], event.links, movable=standing if by_position else ())
    kept = []
    for asset in assets:
        if asset.index in placed.known:
            link = placed.known[asset.index]
            asset = only_linked_by(asset, link) if first_answer else asset
            asset = with_link(asset, link, now=now, deadline=deadline, allowed_hosts=hosts)
        elif first_answer:
            asset = refuted(asset)
        kept.append(asset)
    added = [
        new_asset(task.id, index, link, now=now, deadline=deadline, allowed_hosts=hosts)
        for index, link in placed.new.items()
    ]
    return (*kept, *added), placed.dropped


def _counts(task: Task, event: TaskEvent, rank: Rank, arrival: Arrival) -> bool:
    """Whether an event weighs at least as much as what decided so far; one of equal weight refreshes the report."""
    if rank is Rank.NOTHING:
        return False
    return (arrival.from_provider and event.status.terminal, rank) >= (task.confirmed, task.rank)


def _decided(
    before: Task, assets: Sequence[Asset], event: TaskEvent, rank: Rank, *, confirmed: bool, event_json: str | None
) -> Members:
    """What is as the event has it, and `conflict` where an end that callbacks were believed on is refuted."""
    status, reason = _standing(before, assets, rank, confirmed=confirmed)
    was_believed = before.rank is Rank.COMPLETED and not before.confirmed
    return {
        "status": status,
        "reason": reason,
        "rank": rank,
        "confirmed": confirmed,
        "conflict": confirmed and rank is not Rank.COMPLETED and (before.conflict or was_believed),
        "usage": event.usage or before.usage,
        "error": event.error if status in (TaskStatus.FAILED, TaskStatus.CANCELLED) else None,
        "provider_json": event_json or before.provider_json,
    }


def _followed(
    task: Task, status: TaskStatus, assets: tuple[Asset, ...], event: TaskEvent, arrival: Arrival, *, rules: Rules
) -> Members:
    """What follows from the status: is it settled, where does it lie, when is it asked about."""
    return {
        "settled_at": _settled_at(task, status, assets, arrival.at),
        "archive_date": _archive_date(task, status, assets, arrival.at),
        "check": _check(task.check, status, event, arrival, rules),
    }


def _check(check: Check, status: TaskStatus, event: TaskEvent, arrival: Arrival, rules: Rules) -> Check:
    """When to ask: what follows from the provider's own answer is the asker's to say."""
    if arrival.from_provider:
        return check
    if status.terminal:
        return Check() if rules.mode is ConfirmMode.OFF else check
    if event.status is EventStatus.UNKNOWN and rules.can_ask:
        return begin(check, arrival.at)
    return check if check.at is not None else first_check(arrival.at, rules=rules)


def _effect(before: Task, after: Task, event: TaskEvent, rank: Rank) -> Effect:
    if event.status is EventStatus.UNKNOWN:
        return Effect.UNKNOWN_STATUS
    if (after.confirmed, after.rank) != (before.confirmed, before.rank):
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
        callback_id=arrival.callback_id,
        note=note,
    )


def _shown(task: Task) -> Task:
    """What a sidecar shows of a task: all but the bookkeeping; versions have not changed yet where it is asked."""
    return replace(
        task,
        callback_rank=Rank.NOTHING,
        expected_images=0,
        stranger=False,
        check=Check(),
    )


def _links(assets: Sequence[Asset]) -> list[tuple[str, ...]]:
    return [asset.known_links for asset in assets]
