"""Callback URLs, and what came through them."""

from typing import Literal

from typing_extensions import TypedDict

from service.domain.callback import Verdict
from service.domain.task import Origin
from service.web.answers.document import Count, Sha256, Tags, Time, Url, described
from service.web.refused import RefusalReason


@described
class AcceptedDocument(TypedDict):
    """The callback is kept durably."""

    status: Literal["accepted", "duplicate"]
    """`duplicate` where the same body had come before."""


@described
class MintedDocument(TypedDict):
    """A callback URL, to be given to the provider."""

    id: str
    callback_url: Url
    """Up to 2048 characters; its last segment is a secret."""
    warnings: list[str]
    """Why the provider would refuse it."""


@described
class CallbackUrlDocument(TypedDict):
    """A callback URL that was minted here, without the URL itself."""

    id: str
    source: str
    task_id: str | None
    """The one task that it is for."""
    ref: str | None
    tags: Tags
    created_at: Time
    expires_at: Time | None
    revoked_at: Time | None


@described
class TouchedTaskDocument(TypedDict):
    """A task that callbacks named."""

    id: str
    status: str | None
    """Null where no task came of it."""
    confirmed: bool


@described
class TouchedDocument(TypedDict):
    """The tasks that callbacks through a URL named."""

    tasks: list[TouchedTaskDocument]
    """The latest 100."""
    total: Count


@described
class CallbackUrlWithTasksDocument(CallbackUrlDocument):
    """A callback URL with the tasks that it touched."""

    touched: TouchedDocument


@described
class CallbackDocument(TypedDict):
    """A callback as it was received."""

    id: str
    source: str
    origin: Origin
    task_id: str | None
    status: str | None
    """The status that it told of, in the provider's own word."""
    verdict: Verdict
    detail: str | None
    """What was wrong with it."""
    deliveries: Count
    """How often the same body came."""
    received_at: Time
    last_received_at: Time
    token_id: str | None
    """The id of the callback URL that it came through."""
    ref: str | None
    tags: Tags | None
    bytes: Count
    body_sha256: Sha256


@described
class BodyDocument(TypedDict):
    """What was received; both null where that is kept no longer."""

    body: str | None
    body_base64: str | None
    """In place of `body` where that is no UTF-8."""


@described
class RawCallbackDocument(CallbackDocument, BodyDocument):
    """A callback with what was received."""

    headers: dict[str, str] | None
    """Without credentials."""


@described
class RefusedCallbackDocument(TypedDict):
    """A request that was turned away, its body unread; the last 100 are remembered, in memory."""

    source: str
    verdict: Literal["refused"]
    reason: RefusalReason
    received_at: Time
    client: str | None
    """Its address."""
    user_agent: str | None


@described
class CallbacksReplayedDocument(TypedDict):
    """What running callbacks again came to, or with `dry_run` would come to."""

    dry_run: bool
    matched: Count
    readable: Count
    accepted: Count
    foreign: Count
    unreadable: Count
    without_body: Count
    changed: list[str]
    """Ids of tasks that it changes, the first 100."""
    changed_total: Count
