"""One transaction for a batch of deliveries: keep raw, judge, apply, save. Everything commits or nothing does."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from service.archive.spans import newly_settled
from service.catalog.catalog import Transaction
from service.catalog.inbox import Kept, Received
from service.catalog.tasks import Named, TaskState
from service.domain.allowance import NOTHING_SPENT, Keep, Spent, room
from service.domain.apply_event import Arrival, Sender, apply_event
from service.domain.asset import AssetStatus
from service.domain.callback import Verdict, judge
from service.domain.history import HistoryEntry
from service.domain.rules import ConfirmMode, Rules
from service.domain.task import Origin, Standing, TaskEvent
from service.intake.admission import Admission, gate
from service.intake.callback_token import CallbackToken
from service.intake.crowd import thin_out


class Answer(StrEnum):
    """What becomes of a delivery once it is durable."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    UNREADABLE = "unreadable"
    LIMITED = "limited"  # its token has used up what it may: nothing was kept


@dataclass(frozen=True, slots=True)
class Delivery:
    """A callback as it came in; `event` is None when the body could not be read, and `detail` says why."""

    source: str
    origin: Origin
    body: bytes
    body_sha256: str
    received_at: datetime
    token: CallbackToken
    event: TaskEvent | None
    detail: str | None = None
    text: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str, str]:
        return self.source, self.event.task_id if self.event else "", self.body_sha256

    @property
    def held(self) -> int:
        """Bytes of memory while it waits: the text may take four for each character."""
        return len(self.body) + (sys.getsizeof(self.text) if self.text is not None else 0)


@dataclass(frozen=True, slots=True)
class Taken:
    """One delivery's result.

    `wakes`: the archive has something to do; `asks`: the provider is to be asked; `deaths`: why something is given up;
    `spent`: what is kept of it that nothing vouches for; `settled`: the task, if this settled it; `together`: how many
    were committed with it.
    """

    answer: Answer
    verdict: Verdict
    wakes: bool = False
    asks: bool = False
    deaths: tuple[str, ...] = ()
    spent: Spent = NOTHING_SPENT
    settled: TaskState | None = None
    together: int = 1


@dataclass(slots=True)
class _Ledger:
    """The batch's working copy: what was loaded, what it became, and the verdict of each kept callback."""

    kept: dict[tuple[str, str, str], Kept]
    states: dict[str, TaskState]
    size: int
    verdicts: dict[tuple[str, str, str], Verdict] = field(default_factory=dict)
    entries: list[tuple[str, HistoryEntry]] = field(default_factory=list)
    named: dict[str, Named] = field(default_factory=dict)
    crowded: set[str] = field(default_factory=set)  # tasks that have more callbacks than one
    paid: set[tuple[str, str, str]] = field(default_factory=set)


NO_ACCOUNTS: Mapping[str, Spent] = MappingProxyType({})


def take_in(
    tx: Transaction, batch: Sequence[Delivery], *, rules: Rules, spent: Mapping[str, Spent] = NO_ACCOUNTS
) -> list[Taken]:
    """Take deliveries in, in order; returns one result for each. `spent` is what their tokens have used up so far."""
    loaded = tx.tasks.load({delivery.event.task_id for delivery in batch if delivery.event})
    judge_next = gate(tx, loaded, spent, size=sum(room(len(one.body)) for one in batch), rules=rules).judge
    admitted = [(one, judge_next(one.token, one.event, len(one.body))) for one in batch]
    ledger = _Ledger(kept=tx.inbox.keep(_coalesced(admitted)), states=dict(loaded), size=len(batch))
    results = [_take(tx, delivery, admission, ledger, rules) for delivery, admission in admitted]
    changed = [(loaded.get(task_id), state) for task_id, state in ledger.states.items()]
    tx.tasks.save(changed, named=ledger.named)
    tx.tasks.note(thin_out(tx, ledger.crowded, ledger.entries))
    return results


def _take(tx: Transaction, delivery: Delivery, admission: Admission, ledger: _Ledger, rules: Rules) -> Taken:
    if admission.keep is Keep.NOTHING:
        refused = Answer.LIMITED if delivery.event else Answer.UNREADABLE
        return Taken(refused, Verdict.ACCEPTED if delivery.event else Verdict.UNREADABLE)
    if ledger.kept[delivery.key].repeated or delivery.key in ledger.paid:
        return _judged(tx, delivery, ledger, rules, spent=NOTHING_SPENT)
    ledger.paid.add(delivery.key)
    if admission.names and delivery.event:
        ledger.named[delivery.event.task_id] = Named(delivery.token.id, room(len(delivery.body)))
    return _judged(tx, delivery, ledger, rules, spent=admission.cost)


def _judged(tx: Transaction, delivery: Delivery, ledger: _Ledger, rules: Rules, *, spent: Spent) -> Taken:
    row, event, token = ledger.kept[delivery.key], delivery.event, delivery.token
    if event is None:
        return Taken(Answer.UNREADABLE, Verdict.UNREADABLE, spent=spent)
    state = ledger.states.get(event.task_id)
    verdict = judge(
        owner=state.task.token_id if state else None,
        token_id=token.id,
        minted_for=token.task_id,
        task_id=event.task_id,
    )
    earlier = ledger.verdicts.get(delivery.key, row.verdict if row.repeated else None)
    if earlier is verdict or earlier is Verdict.ACCEPTED:
        return Taken(Answer.DUPLICATE, verdict, together=ledger.size)
    if verdict is not (earlier or row.verdict):
        # the same body through a wrong token must not suppress it through the right one
        tx.inbox.judge(row.id, verdict, token.id)
    ledger.verdicts[delivery.key] = verdict
    if state is not None and (state.task.token_id is not None or verdict is Verdict.FOREIGN):
        ledger.crowded.add(event.task_id)
    after = _apply(delivery, event, verdict, row, ledger, rules)
    if after is None:
        return Taken(Answer.ACCEPTED, verdict, spent=spent, together=ledger.size)
    asks = after.task.check.at is not None and after.task.check.at <= delivery.received_at
    settled = newly_settled(state.task if state else None, after)
    return Taken(Answer.ACCEPTED, verdict, has_work(after), asks, deaths(state, after), spent, settled, ledger.size)


def _apply(
    delivery: Delivery, event: TaskEvent, verdict: Verdict, row: Kept, ledger: _Ledger, rules: Rules
) -> TaskState | None:
    token = delivery.token
    believed = verdict is Verdict.ACCEPTED and rules.mode is ConfirmMode.OFF
    arrival = Arrival(
        source=delivery.source,
        at=delivery.received_at,
        origin=delivery.origin,
        standing=Standing.AUTHORITATIVE if believed else Standing.HINT,
        sender=Sender(token.id, token.ref, tuple(token.tags.items())),
        foreign=verdict is Verdict.FOREIGN,
        callback_id=row.id,
    )
    state = ledger.states.get(event.task_id)
    task, assets = (state.task, state.assets) if state else (None, ())
    applied = apply_event(task, assets, event, arrival, rules=rules, event_json=delivery.text)
    if applied is None:
        return None
    ledger.entries.append((event.task_id, applied.entry))
    ledger.states[event.task_id] = after = TaskState(applied.task, applied.assets)
    return after


def has_work(state: TaskState) -> bool:
    """Whether the archive has something to fetch."""
    return any(asset.status is AssetStatus.PENDING for asset in state.assets)


def deaths(before: TaskState | None, after: TaskState) -> tuple[str, ...]:
    """The reasons of what was given up in between."""
    alive = {asset.index for asset in before.assets if asset.reason is None} if before else set()
    known = {asset.index for asset in before.assets} if before else set()
    assets = [a.reason.value for a in after.assets if a.reason and (a.index in alive or a.index not in known)]
    newly_dead = after.task.reason is not None and (before is None or before.task.reason is None)
    return (*assets, *([after.task.reason.value] if newly_dead and after.task.reason else []))


def _coalesced(batch: Sequence[tuple[Delivery, Admission]]) -> list[Received]:
    """One row for each distinct body that is kept, as one statement cannot touch a row twice."""
    received: dict[tuple[str, str, str], Received] = {}
    for delivery, admission in batch:
        if admission.keep is Keep.NOTHING:
            continue
        if (earlier := received.get(delivery.key)) is not None:
            received[delivery.key] = replace(earlier, deliveries=earlier.deliveries + 1)
        else:
            received[delivery.key] = _received(delivery, admission.keep)
    return list(received.values())


def _received(delivery: Delivery, keep: Keep) -> Received:
    """A delivery as the inbox keeps it; readable ones are accepted until judged otherwise."""
    token = delivery.token
    return Received(
        source=delivery.source,
        origin=delivery.origin,
        task_id=delivery.event.task_id if delivery.event else "",
        body=delivery.body if keep is Keep.WHOLE else None,
        size=len(delivery.body),
        body_sha256=delivery.body_sha256,
        verdict=Verdict.ACCEPTED if delivery.event else Verdict.UNREADABLE,
        received_at=delivery.received_at,
        headers=delivery.headers,
        token_id=token.id,
        ref=token.ref,
        tags=token.tags,
        status=delivery.event.word if delivery.event else None,
        detail=delivery.detail,
    )
