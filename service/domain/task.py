"""A generation job at the provider: its statuses, what an event says of it, and which of several events counts.

Pure: arrival order must not matter, so events are compared by rank, never by when they came.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import IntEnum, StrEnum
from typing import Any, assert_never


class TaskStatus(StrEnum):
    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    DEAD = "dead"

    @property
    def terminal(self) -> bool:
        return self not in (TaskStatus.PENDING, TaskStatus.PROCESSING)


class TaskReason(StrEnum):
    """Why a task is dead; a closed set, used as a metric label."""

    UNKNOWN_TO_PROVIDER = "unknown_to_provider"
    REFUTED = "refuted"
    NO_LINKS = "no_links"
    NEVER_FINISHED = "never_finished"


class Origin(StrEnum):
    """How we heard of an event."""

    CALLBACK = "callback"
    POLL = "poll"
    SUBMISSION = "submission"
    REPLAY = "replay"


class Standing(StrEnum):
    """Whether an event may be believed."""

    HINT = "hint"
    AUTHORITATIVE = "authoritative"


class Rank(IntEnum):
    """How much an authoritative event weighs against the others; the highest decides the status."""

    NOTHING = 0
    PENDING = 1
    PROCESSING = 2
    COMPLETED_WITHOUT_LINKS = 3  # no link at all, or none to an allowed host
    CANCELLED = 4
    FAILED = 5
    COMPLETED = 6


class EventStatus(StrEnum):
    """The statuses that a provider can report, after its spellings were made one."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"  # a word that we do not know: kept, and a reason to ask

    @property
    def terminal(self) -> bool:
        return self in (EventStatus.COMPLETED, EventStatus.FAILED, EventStatus.CANCELLED)


@dataclass(frozen=True, slots=True)
class TaskEvent:
    """What one callback or answer says of a task; `created` is the provider's word, not yet judged credible."""

    task_id: str
    status: EventStatus
    word: str  # the status as the provider spelt it
    links: tuple[str, ...] = ()
    model: str | None = None
    created: float | None = None
    usage: Mapping[str, Any] | None = None
    error: Mapping[str, Any] | None = None
    estimated_seconds: float | None = None  # how long the provider thinks that it takes, from `created`


@dataclass(frozen=True, slots=True)
class Check:
    """When to ask the provider about a task next, and how it went since this round of asking began."""

    at: datetime | None = None  # None: never
    since: datetime | None = None  # when the round began
    asked: int = 0  # answers and silences of this round
    missing_since: datetime | None = None  # since when the provider does not know the task
    linkless_since: datetime | None = None  # since when it says completed, and does not show all links
    silent_since: datetime | None = None  # since when it says nothing at all


@dataclass(frozen=True, slots=True)
class Hold:
    """A legal hold: while a task has one, nobody deletes its images. `by` is the name of whoever put it there."""

    at: datetime
    by: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """What we know of a task. `version` counts changes that its sidecar must show.

    `confirmed`: the provider itself told us of the end. `callback_rank` and `expected_images` are the most that
    callbacks of its own token said, believed or not. A `stranger` was only ever seen in the provider's list.
    """

    id: str
    source: str
    received_at: datetime
    status: TaskStatus = TaskStatus.PENDING
    reason: TaskReason | None = None
    rank: Rank = Rank.NOTHING
    confirmed: bool = False
    conflict: bool = False
    token_id: str | None = None
    model: str | None = None
    ref: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    prompt: str | None = None
    parameters: Mapping[str, Any] | None = None
    usage: Mapping[str, Any] | None = None
    error: Mapping[str, Any] | None = None
    created_at: datetime | None = None
    deadline: datetime | None = None
    settled_at: datetime | None = None
    archive_date: date | None = None  # fixes the folder; set when the first asset or sidecar is made
    provider_json: str | None = None  # the text of the event that decided
    submitted_by: str | None = None  # the name of the key that submitted it through us
    estimate: Mapping[str, Any] | None = None  # what it would cost, as reckoned before it was sent
    callback_rank: Rank = Rank.NOTHING
    expected_images: int = 0
    stranger: bool = False
    check: Check = Check()
    hold: Hold | None = None
    version: int = 0
    sidecar_version: int = 0

    @property
    def terminal(self) -> bool:
        return self.status.terminal


def rank_of(event: TaskEvent, *, any_link_allowed: bool) -> Rank:
    """Weigh an event; completed counts most when at least one of its links may be fetched."""
    match event.status:
        case EventStatus.COMPLETED:
            return Rank.COMPLETED if any_link_allowed else Rank.COMPLETED_WITHOUT_LINKS
        case EventStatus.FAILED:
            return Rank.FAILED
        case EventStatus.CANCELLED:
            return Rank.CANCELLED
        case EventStatus.PROCESSING:
            return Rank.PROCESSING
        case EventStatus.PENDING:
            return Rank.PENDING
        case EventStatus.UNKNOWN:
            return Rank.NOTHING
        case _:
            assert_never(event.status)


def status_of(rank: Rank, *, has_assets: bool) -> tuple[TaskStatus, TaskReason | None]:
    """The status that the best event so far leads to."""
    match rank:
        case Rank.NOTHING | Rank.PENDING:
            return TaskStatus.PENDING, None
        case Rank.PROCESSING:
            return TaskStatus.PROCESSING, None
        case Rank.COMPLETED_WITHOUT_LINKS:
            return (TaskStatus.COMPLETED, None) if has_assets else (TaskStatus.DEAD, TaskReason.NO_LINKS)
        case Rank.CANCELLED:
            return TaskStatus.CANCELLED, None
        case Rank.FAILED:
            return TaskStatus.FAILED, None
        case Rank.COMPLETED:
            return TaskStatus.COMPLETED, None
        case _:
            assert_never(rank)
