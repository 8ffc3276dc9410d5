"""What others are told."""

from typing_extensions import TypedDict

from service.domain.announcement import EventKind
from service.domain.telling import DeliveryStatus
from service.web.answers.document import Count, JsonObject, Time, described


@described
class EventDocument(TypedDict):
    """One endpoint's being told of one event."""

    id: str
    event_id: str
    """Its `webhook-id`, the same at each attempt."""
    type: EventKind
    task_id: str
    asset_id: str | None
    endpoint: str
    """The endpoint's name; `(caller)` is the `callback_url` of who submitted."""
    status: DeliveryStatus
    attempts: Count
    next_attempt_at: Time | None
    detail: str | None
    """Why the last attempt failed."""
    happened_at: Time
    ended_at: Time | None


@described
class EventWithBodyDocument(EventDocument):
    """The same with what is told."""

    body: JsonObject
    """As it is sent, without the links to images."""


@described
class EventsReplayedDocument(TypedDict):
    """How many deliveries are to be made again, or with `dry_run` would be."""

    matched: Count
    replayed: Count
    dry_run: bool
