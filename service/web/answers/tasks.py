"""Tasks with their images, their price and their history."""

from enum import StrEnum

from typing_extensions import TypedDict

from service.domain.callback import Verdict
from service.domain.history import Effect
from service.domain.task import Origin, Standing, TaskReason, TaskStatus
from service.submission.cost import ChargeBasis, EstimateDocument
from service.web.answers.assets import AssetDocument
from service.web.answers.document import JsonObject, Tags, Time, described


class CostBasis(StrEnum):
    """What a cost was read from, where the provider reported none."""

    ESTIMATE = "estimate"
    NOTHING_REPORTED = "nothing_reported"


@described
class CostDocument(TypedDict):
    """What a task cost, as far as that is known."""

    usd: float | None
    """US dollars; null until it is known."""
    credits: float | None
    """In the provider's money."""
    basis: ChargeBasis | CostBasis | None
    """Where that is from."""
    estimate: EstimateDocument | None
    """What it would cost, as reckoned before it was submitted."""


@described
class HoldDocument(TypedDict):
    """A legal hold: while there is one, no image of the task is deleted."""

    at: Time
    """Since when."""
    by: str
    """The name of the key that put it there, or the user of a command."""
    reason: str | None


@described
class TaskDocument(TypedDict):
    """A generation job at the provider, with its images."""

    id: str
    """The provider's id."""
    source: str
    """The provider."""
    status: TaskStatus
    reason: TaskReason | None
    """Why it is dead."""
    model: str | None
    confirmed: bool
    """Whether the provider itself has told of its end."""
    conflict: bool
    """Whether the provider refuted what was believed of it."""
    ref: str | None
    """Your name for it."""
    tags: Tags
    prompt: str | None
    parameters: JsonObject | None
    """What else was asked for."""
    usage: JsonObject | None
    """What the provider says that it took: up to 16 KiB of it, texts up to 2,000 characters."""
    cost: CostDocument | None
    error: JsonObject | None
    """The provider's reason for a failure, up to as much."""
    created_at: Time | None
    """When the provider made it."""
    received_at: Time
    """When it was first heard of here."""
    settled_at: Time | None
    """When nothing was left to do."""
    deadline: Time | None
    """When the provider's links stop to work."""
    next_check_at: Time | None
    """When the provider is asked next."""
    hold: HoldDocument | None
    assets: list[AssetDocument]


@described
class HistoryEntryDocument(TypedDict):
    """One event of a task: how it was heard, and why it counted or not."""

    at: Time
    origin: Origin
    status: str
    """The status that it told of, in the provider's own word."""
    standing: Standing
    verdict: Verdict | None
    """Of callbacks."""
    effect: Effect
    why: str
    """The effect in words."""
    conflict: bool
    """Whether it told of another end than the task came to."""
    callback_id: str | None
    note: str | None


@described
class TaskWithHistoryDocument(TaskDocument):
    """A task with all that was heard of it."""

    history: list[HistoryEntryDocument]
