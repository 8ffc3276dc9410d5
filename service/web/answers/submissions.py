"""What was submitted through Darkroom."""

from typing_extensions import TypedDict

from service.domain.submission import SubmissionStatus
from service.submission.cost import EstimateDocument
from service.web.answers.document import Count, Json, Tags, Time, described


@described
class SubmissionDocument(TypedDict):
    """A request for images on its way to the provider, and what became of it."""

    id: str
    source: str
    status: SubmissionStatus
    detail: str | None
    task_id: str | None
    """The task that the provider made of it."""
    model: str
    key_name: str
    """The API key that it was submitted with."""
    idempotency_key: str | None
    ref: str | None
    tags: Tags
    callback_host: str | None
    """The host that its client wants to be called back at."""
    estimate: EstimateDocument | None
    attempts: Count
    kept_at: Time
    sent_at: Time
    ended_at: Time | None
    next_look_at: Time | None
    """When its task is looked for again."""


@described
class SubmissionWithRequestDocument(SubmissionDocument):
    """A submission with what was sent and answered: JSON, or text where it is none."""

    request: Json
    answer: Json
