"""What is to be told is kept in the transaction that makes it so: whatever a task's state tells and nobody was told.

It looks at states, not at changes: called again for the same state, or for one that came of several changes, it keeps
what is missing, and each event once.
"""

from collections.abc import Callable
from dataclasses import dataclass

from service.catalog.catalog import Transaction
from service.catalog.tasks import TaskState
from service.domain.announcement import CALLER, Announcement, EventKind, Listener, announcements, tellable
from service.notify.body import event_data

CallerOf = Callable[[Transaction, str], bool]
"""Whether the client that submitted a task through us wants to be called by us when it has ended."""


def nobody_called(_tx: Transaction, _task_id: str) -> bool:
    """Nothing is submitted through us."""
    return False


@dataclass(frozen=True, slots=True)
class Audience:
    """Who is told of what."""

    listeners: tuple[Listener, ...] = ()
    caller_of: CallerOf = nobody_called


def publish(tx: Transaction, state: TaskState, audience: Audience) -> int:
    """Keep what a task's state tells and has not told; returns how many events are new to somebody.

    A client may be known later than the event, whose submission was found by then: it is told all the same. An endpoint
    that is new is told nothing of the past.
    """
    calls = audience.caller_of(tx, state.task.id)
    if not audience.listeners and not calls:
        return 0
    told = [one for one in announcements(state.task, state.assets, now=tx.now) if tellable(one, tx.now)]
    wanted = [(one, names) for one in told if (names := _names(one, audience, calls))]
    known = tx.events.known([one.id for one, _ in wanted]) if wanted else set()
    new = [(one, names) for one, names in wanted if one.id not in known]
    added = [tx.events.add(one, event_data(one, state.task, state.assets), names) for one, names in new]
    late = [tx.events.add_missing(one, CALLER) for one, names in wanted if one.id in known and CALLER in names]
    return sum(added) + sum(late)


def _names(told: Announcement, audience: Audience, calls: bool) -> list[str]:
    names = [listener.name for listener in audience.listeners if listener.wants(told)]
    return [*names, CALLER] if calls and told.kind is EventKind.TASK_SETTLED else names
