"""A task's history: every event with how it was heard, how far it could be believed, and why it won or lost."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from service.domain.task import Origin, Rank, Standing, Task, TaskStatus


class Effect(StrEnum):
    """Why an event counted or did not; a closed set, shown in the history."""

    DECIDED = "decided"
    AGREED = "agreed"
    OUTRANKED = "outranked"
    HINT = "hint"
    FOREIGN = "foreign"
    NOT_YET = "not_yet"
    UNKNOWN_STATUS = "unknown_status"
    TOLD = "told"
    SEEN = "seen"
    GAVE_UP = "gave_up"
    RETRIED = "retried"


WHY = {
    Effect.DECIDED: "it set the status: nothing stronger was known",
    Effect.AGREED: "the status was already that",
    Effect.OUTRANKED: "something stronger was known",
    Effect.HINT: "a callback is not believed by itself: the provider's answer decides",
    Effect.FOREIGN: "the task belongs to another callback URL, so this is a hint and no more",
    Effect.NOT_YET: "the provider has not finished, or does not show its links yet: it is asked again",
    Effect.UNKNOWN_STATUS: "a status word that is not known",
    Effect.TOLD: "somebody told of the task",
    Effect.SEEN: "found in the provider's list of the account's tasks",
    Effect.GAVE_UP: "nothing more is tried until somebody asks for it",
    Effect.RETRIED: "somebody asked to try again",
}
"""Each effect in words, for people."""


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One event as the task's history keeps it; `rank` is what it says, believed or not."""

    at: datetime
    origin: Origin
    status: str
    standing: Standing
    effect: Effect
    rank: Rank
    callback_id: int | None = None
    note: str | None = None


_COMPLETED = (Rank.COMPLETED, Rank.COMPLETED_WITHOUT_LINKS)


def ends_differ(one: Rank, other: Rank) -> bool:
    """Whether two events tell of different ends; completed with and without links is the same end."""
    if min(one, other) < Rank.COMPLETED_WITHOUT_LINKS:
        return False
    return one is not other and not (one in _COMPLETED and other in _COMPLETED)


def contradicts(entry: HistoryEntry, task: Task) -> bool:
    """Whether an entry is the loser of two terminal events: it said one end, the task came to another."""
    agreed = task.status is TaskStatus.CANCELLED and entry.rank is Rank.CANCELLED  # the provider calls it failed
    return not agreed and ends_differ(entry.rank, task.rank)
