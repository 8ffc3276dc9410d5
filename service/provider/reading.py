"""What asking the provider can come to, as values. No I/O: `client` makes them, `reconcile` decides what they mean."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from service.domain.task import TaskEvent


@dataclass(frozen=True, slots=True)
class Found:
    """The task as the provider knows it; `text` is the JSON that the event was read from."""

    event: TaskEvent
    text: str


@dataclass(frozen=True, slots=True)
class Missing:
    """The provider says that it knows no such task, or that this is not the id of one."""


@dataclass(frozen=True, slots=True)
class Unreachable:
    """Nothing was learnt about the task; `detail` says why, `refused` that the key is the reason.

    The detail holds at most 200 printable characters, never the key.
    """

    detail: str
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Throttled:
    """The provider wants to be left alone for so many seconds: nothing was learnt, and nobody is at fault."""

    retry_after: float


@dataclass(frozen=True, slots=True)
class Listed:
    """One page of the account's tasks, newest first, without links; `more` says whether to ask for the next one."""

    events: tuple[TaskEvent, ...]
    more: bool


@dataclass(frozen=True, slots=True)
class Unsupported:
    """This provider has no such route."""


Reading = Found | Missing | Unreachable | Throttled
"""What asking about one task came to."""

Listing = Listed | Unsupported | Unreachable | Throttled
"""What asking for a page of the account's tasks came to."""


class HealthState(StrEnum):
    UNTRIED = "untried"
    ANSWERING = "answering"
    THROTTLING = "throttling"
    DOWN = "down"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class ProviderHealth:
    """How the provider treats us; `since` is when that began, None before the first answer."""

    state: HealthState = HealthState.UNTRIED
    since: datetime | None = None
    detail: str | None = None
