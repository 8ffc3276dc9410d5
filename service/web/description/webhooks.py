"""What endpoints of yours are told: requests that Darkroom makes, described like those that it takes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from service.domain.announcement import EventKind
from service.notify.body import AssetEventDocument, TaskEventDocument
from service.web.description.operation import JSON
from service.web.parameters import Parameter

SIGNED = (
    Parameter("webhook-id", "The event's id, the same at each attempt."),
    Parameter("webhook-timestamp", "When it was signed, in seconds since 1970."),
    Parameter("webhook-signature", "Of id, time and body, after Standard Webhooks: one for each secret."),
)


@dataclass(frozen=True, slots=True)
class Webhook:
    """An event by its kind, and the type of its body."""

    kind: EventKind
    summary: str
    shape: Any


WEBHOOKS = (
    Webhook(EventKind.ASSET_ARCHIVED, "An image is archived", AssetEventDocument),
    Webhook(EventKind.ASSET_DEAD, "An image is given up", AssetEventDocument),
    Webhook(EventKind.TASK_SETTLED, "Nothing of a task is left to do", TaskEventDocument),
)


_ABOUT = "Sent to the endpoints of `DARKROOM_NOTIFY__ENDPOINTS`: at least once, and in order for each task."


def webhook_object(
    one: Webhook, schemas: Mapping[Any, Any], headers: list[dict[str, Any]], shown: Mapping[str, Any] | None
) -> dict[str, Any]:
    """What OpenAPI says of it; `headers` are those that sign it, `shown` is an event that may be one of these."""
    content: dict[str, Any] = {"schema": schemas[one.shape]}
    if shown is not None and shown["type"] == one.kind:
        content["example"] = shown
    return {
        "post": {
            "operationId": one.kind.value,
            "summary": one.summary,
            "description": _ABOUT,
            "parameters": headers,
            "requestBody": {"required": True, "content": {JSON: content}},
            "responses": {"2XX": {"description": "It has arrived. Anything else is tried again."}},
        }
    }
