"""Taking a task's callbacks at their word, because the provider has said nothing for longer than the patience.

Only callbacks that came through the task's own token count, and only for allowed hosts. It must not decide when.
"""

from dataclasses import replace

from service.catalog.catalog import Transaction
from service.catalog.tasks import TaskState
from service.domain.apply_event import Arrival, apply_event
from service.domain.history import Effect, HistoryEntry
from service.domain.rules import Rules
from service.domain.task import Origin, Standing
from service.provider.payload import Readable, read_callback

NOTE = "believed unconfirmed: the provider could not be asked"


def believe_callbacks(tx: Transaction, state: TaskState, *, rules: Rules) -> tuple[TaskState, list[HistoryEntry]]:
    """The state as the kept callbacks have it, and the history entries of those that counted."""
    entries = []
    for callback_id, body in tx.inbox.accepted_of(state.task.id):
        reading = read_callback(body)
        if not isinstance(reading, Readable):
            continue
        arrival = Arrival(state.task.source, tx.now, Origin.CALLBACK, Standing.AUTHORITATIVE, callback_id=callback_id)
        applied = apply_event(state.task, state.assets, reading.event, arrival, rules=rules, event_json=reading.text)
        assert applied is not None, "only hints can leave no task behind"
        if applied.entry.effect is Effect.DECIDED or applied.assets != state.assets:
            entries.append(replace(applied.entry, note=NOTE))
        state = TaskState(applied.task, applied.assets)
    return state, entries
