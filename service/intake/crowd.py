"""Keeping a task's callbacks from becoming too many: applied are all of them, kept is what is worth most."""

from collections.abc import Collection, Sequence

from service.catalog.catalog import Transaction
from service.catalog.inbox import InboxRow
from service.domain.allowance import room
from service.domain.callback import Verdict
from service.domain.crowd import KeptCallback, Surplus, surplus
from service.domain.history import Effect, HistoryEntry
from service.domain.task import Rank
from service.provider.payload import tells_end

MOST_ENTRIES = 1000
"""Of a task's history, from which on callbacks that decide nothing leave none."""

Entries = Sequence[tuple[str, HistoryEntry]]


def thin_out(tx: Transaction, task_ids: Collection[str], entries: Entries) -> Entries:
    """Remove what is too much of these tasks; returns the history entries that are still worth writing."""
    if not task_ids:
        return entries
    by_task: dict[str, list[InboxRow]] = {}
    for row in tx.inbox.of_tasks(task_ids):
        by_task.setdefault(row.task_id, []).append(row)
    goes = {task_id: surplus([_kept(row) for row in rows]) for task_id, rows in by_task.items()}
    tx.inbox.drop(
        bodies=[row_id for one in goes.values() for row_id in one.bodies],
        rows=[row_id for one in goes.values() for row_id in one.rows],
    )
    tx.tasks.weigh({task_id: _size(rows, goes[task_id]) for task_id, rows in by_task.items()})
    full = {task_id for task_id, one in goes.items() if one.rows}
    return _worth_writing(entries, tx.tasks.lengths_of_history(full)) if full else entries


def _worth_writing(entries: Entries, lengths: dict[str, int]) -> Entries:
    """Of tasks with too many callbacks, `lengths` of whose history are given: what decided, and some more ends."""
    kept = []
    for task_id, entry in entries:
        if task_id in lengths and entry.effect is not Effect.DECIDED:
            lengths[task_id] += 1
            if entry.rank < Rank.COMPLETED_WITHOUT_LINKS or lengths[task_id] > MOST_ENTRIES:
                continue
        kept.append((task_id, entry))
    return kept


def _kept(row: InboxRow) -> KeptCallback:
    return KeptCallback(
        id=row.id,
        size=row.size or 0,
        has_body=row.size is not None,
        accepted=row.verdict is Verdict.ACCEPTED,
        tells_end=tells_end(row.status),
    )


def _size(rows: Sequence[InboxRow], goes: Surplus) -> int:
    """Bytes that a task's own callbacks take once that is gone; what is foreign counts for its sender."""
    own = [row for row in rows if row.verdict is Verdict.ACCEPTED and row.id not in goes.rows]
    return sum(room(0 if row.id in goes.bodies else row.size or 0) for row in own)
