"""An event that was taken in before, taken in once more by the rules of now. Pure.

Old events come again here, so none may take back what newer ones brought: it adds what is missing, and changes nothing
where nothing is. Applying again what was applied again therefore changes nothing at all.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from service.domain.apply_event import Applied, Arrival, apply_event, settle
from service.domain.asset import Asset, AssetReason, AssetStatus, retried
from service.domain.history import Effect
from service.domain.link import MAX_ALTERNATES, identity
from service.domain.rules import ConfirmMode, Rules
from service.domain.task import Standing, Task, TaskEvent

_REFUSED = (AssetReason.REFUSED_HOST, AssetReason.REFUSED_ADDRESS)


def apply_again(
    task: Task | None,
    assets: Sequence[Asset],
    event: TaskEvent,
    arrival: Arrival,
    *,
    now: datetime,
    rules: Rules,
    event_json: str | None = None,
) -> Applied | None:
    """The state after an event that was received at `arrival.at`; None where it changes nothing."""
    if task is not None and _is_idle(task, arrival, rules):
        return None
    believed = arrival.standing is Standing.AUTHORITATIVE and not (task is not None and task.confirmed)
    # what is believed counts from its receipt, as its links do; a question that a hint asks is asked now
    heard = arrival if believed else replace(arrival, at=now)
    known = replace(event, links=tuple(_as_known(link, assets) for link in event.links))
    applied = apply_event(task, assets, known, heard, rules=rules, event_json=event_json)
    if applied is None:
        return None
    after = _images(assets, applied.assets)
    if not arrival.foreign:
        after = tuple(_let_in(asset, known, now=now, rules=rules) for asset in after)
    mended = _task(task, applied, after != tuple(assets), arrival)
    if task is not None and mended == task and after == tuple(assets):
        return None
    settled_at = task.settled_at if task is not None else None
    settled = settle(replace(mended, settled_at=settled_at), after, now=now)
    if task is not None:
        settled = replace(settled, version=task.version + 1)
    return Applied(settled, after, replace(applied.entry, at=now))


def _is_idle(task: Task, arrival: Arrival, rules: Rules) -> bool:
    """Whether it is a hint about what has ended where callbacks are believed: the next one that is would outdo it."""
    return task.terminal and arrival.standing is Standing.HINT and rules.mode is ConfirmMode.OFF


def _as_known(link: str, assets: Sequence[Asset]) -> str:
    """The URL that we have for the same image, which may be fresher than that of an old event."""
    for asset in assets:
        for known in asset.known_links:
            if identity(known) == identity(link):
                return known
    return link


def _images(before: Sequence[Asset], after: Sequence[Asset]) -> tuple[Asset, ...]:
    """The images after the event. One that has all the links it can hold takes no more of old ones unless they help."""
    kept = {asset.index: asset for asset in before if len(asset.known_links) >= MAX_ALTERNATES}
    return tuple(
        kept[asset.index] if asset.index in kept and asset.status is kept[asset.index].status else asset
        for asset in after
    )


def _let_in(asset: Asset, event: TaskEvent, *, now: datetime, rules: Rules) -> Asset:
    """An image of the event whose link was refused, and is allowed by now."""
    named = {identity(link) for link in event.links} & {identity(link) for link in asset.known_links}
    if asset.status is not AssetStatus.DEAD or asset.reason not in _REFUSED or not named:
        return asset
    again = retried(asset, now=now, allowed_hosts=rules.allowed_hosts)
    return again if again.status is AssetStatus.PENDING else asset


def _task(before: Task | None, applied: Applied, images_changed: bool, arrival: Arrival) -> Task:
    """The task after the event: as it decides, or with no more than its owner and what callbacks said at most."""
    after = applied.task
    if before is None:
        return replace(after, received_at=arrival.at)
    if applied.entry.standing is Standing.HINT or applied.entry.effect is Effect.DECIDED:
        return after
    if images_changed:
        return replace(after, usage=before.usage, error=before.error, provider_json=before.provider_json)
    return replace(
        before,
        token_id=after.token_id,
        ref=after.ref,
        tags=after.tags,
        callback_rank=after.callback_rank,
        expected_images=after.expected_images,
        stranger=after.stranger,
    )
