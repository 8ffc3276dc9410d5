"""How a callback is judged before its event is weighed: readable, and from the sender its task belongs to."""

from enum import StrEnum


class Verdict(StrEnum):
    """A closed set, used as a metric label."""

    ACCEPTED = "accepted"
    UNREADABLE = "unreadable"
    FOREIGN = "foreign"


def judge(*, owner: str | None, token_id: str, minted_for: str | None, task_id: str) -> Verdict:
    """Accepted or foreign: a task belongs to the first token it was seen with.

    A token minted for one task speaks for that task always, and for no other.
    """
    if minted_for is not None:
        return Verdict.ACCEPTED if minted_for == task_id else Verdict.FOREIGN
    return Verdict.ACCEPTED if owner in (None, token_id) else Verdict.FOREIGN
