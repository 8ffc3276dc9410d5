"""What running a portion of old callbacks again changes, planned whole before any of it is written."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from service.catalog.catalog import Transaction
from service.catalog.replays import Past
from service.catalog.tasks import Named, TaskState
from service.catalog.tokens import MintedToken
from service.domain.allowance import room
from service.domain.apply_again import apply_again
from service.domain.apply_event import Arrival, Sender
from service.domain.callback import Verdict, judge
from service.domain.history import HistoryEntry
from service.domain.rules import ConfirmMode, Rules
from service.domain.task import Origin, Standing
from service.provider.payload import Readable, Unreadable

Owners = Mapping[str, str | None]
"""Tasks that a replay has changed so far, with the token that each belongs to: a dry run leaves no other trace."""


@dataclass(frozen=True, slots=True)
class OldCallback:
    """A kept callback as its body reads now, None where there is no body; `size` in bytes."""

    id: int
    size: int
    reading: Readable | Unreadable | None


@dataclass(slots=True)
class Plan:
    """What a portion comes to; `counts` by the names of the members of `Replayed`."""

    counts: Counter[str] = field(default_factory=Counter)
    before: dict[str, TaskState] = field(default_factory=dict)
    after: dict[str, TaskState] = field(default_factory=dict)
    named: dict[str, Named] = field(default_factory=dict)
    verdicts: list[tuple[Past, Readable, Verdict]] = field(default_factory=list)
    entries: list[tuple[int, str, HistoryEntry]] = field(default_factory=list)

    def state(self, task_id: str) -> TaskState | None:
        return self.after.get(task_id) or self.before.get(task_id)


def plan(tx: Transaction, *, callbacks: Sequence[OldCallback], rules: Rules, owners: Owners) -> Plan:
    """Plan a portion; it only reads."""
    rows = tx.replays.rows([one.id for one in callbacks])
    tokens = tx.tokens.known({row.token_id for row in rows.values() if row.token_id is not None})
    named = {one.reading.event.task_id for one in callbacks if isinstance(one.reading, Readable)}
    made = Plan(before=tx.tasks.load(named))
    for one in callbacks:
        row = rows.get(one.id)
        if row is None:  # since it was read, it became one with another of the same body
            continue
        made.counts["matched"] += 1
        match one.reading:
            case None:
                made.counts["without_body"] += 1
            case Unreadable():
                made.counts["unreadable"] += 1
            case Readable():
                made.counts["readable"] += 1
                verdict, arrival = _judged(made, row, one.reading, tokens.get(row.token_id or ""), owners, rules)
                _run_again(tx, made, row, one.reading, arrival, rules)
                made.counts[verdict.value] += 1
                if row.token_id is not None and one.reading.event.task_id not in made.before:
                    made.named.setdefault(one.reading.event.task_id, Named(row.token_id, room(one.size)))
    return made


def _judged(
    made: Plan, row: Past, reading: Readable, token: MintedToken | None, owners: Owners, rules: Rules
) -> tuple[Verdict, Arrival]:
    """Whose it is and how far it is believed by now; what came through a token that was revoked since is not."""
    task_id = reading.event.task_id
    state = made.state(task_id)
    verdict = judge(
        owner=(state.task.token_id if state else None) or owners.get(task_id),
        token_id=row.token_id or "",
        minted_for=token.task_id if token else None,
        task_id=task_id,
    )
    if (row.task_id, row.verdict) != (task_id, verdict):
        made.verdicts.append((row, reading, verdict))
    revoked = token is not None and token.revoked_at is not None
    believed = verdict is Verdict.ACCEPTED and rules.mode is ConfirmMode.OFF and not revoked
    return verdict, Arrival(
        source=row.source,
        at=row.received_at,
        origin=Origin.REPLAY,
        standing=Standing.AUTHORITATIVE if believed else Standing.HINT,
        sender=Sender(row.token_id, row.ref, tuple(row.tags.items())),
        foreign=verdict is Verdict.FOREIGN,
    )


def _run_again(tx: Transaction, made: Plan, row: Past, reading: Readable, arrival: Arrival, rules: Rules) -> None:
    task_id = reading.event.task_id
    state = made.state(task_id)
    task, assets = (state.task, state.assets) if state else (None, ())
    applied = apply_again(task, assets, reading.event, arrival, now=tx.now, rules=rules, event_json=reading.text)
    if applied is not None:
        made.after[task_id] = TaskState(applied.task, applied.assets)
        made.entries.append((row.id, task_id, applied.entry))


def perform(tx: Transaction, planned: Plan) -> Plan:
    """Write what was planned in the same transaction."""
    row_of = {}
    for row, reading, verdict in planned.verdicts:
        event = reading.event
        if row.task_id != event.task_id:
            row_of[row.id] = tx.replays.move(row.id, event.task_id, status=event.word, verdict=verdict)
        else:
            tx.inbox.judge(row.id, verdict, row.token_id)
    changed = [(planned.before.get(task_id), state) for task_id, state in planned.after.items()]
    tx.tasks.save(changed, named=planned.named)
    tx.tasks.note(
        [(task_id, replace(entry, callback_id=row_of.get(row, row))) for row, task_id, entry in planned.entries]
    )
    return planned
