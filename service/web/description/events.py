"""Operations on what others are told."""

from service.domain.api_key import Scope
from service.web.answers.document import PageDocument
from service.web.answers.events import EventDocument, EventsReplayedDocument, EventWithBodyDocument
from service.web.description.operation import Answer, Body, Operation, Tag, first_of
from service.web.events import EVENT_PARAMETERS, EventsToReplay
from service.web.paging import PAGING

OPERATIONS = (
    Operation(
        "GET",
        "/v1/events",
        "list_events",
        Tag.EVENTS,
        Scope.READ,
        "List who was told of what",
        (Answer(200, "Deliveries, the newest first.", PageDocument[EventDocument], follow=(first_of("get_event"),)),),
        query=(*EVENT_PARAMETERS, *PAGING),
    ),
    Operation(
        "GET",
        "/v1/events/{id}",
        "get_event",
        Tag.EVENTS,
        Scope.READ,
        "Look at a delivery",
        (Answer(200, "With what is told.", EventWithBodyDocument),),
        where={"id": "The delivery's id."},
        refuses={404: ("event_not_found",)},
    ),
    Operation(
        "POST",
        "/v1/events/replay",
        "replay_events",
        Tag.EVENTS,
        Scope.ADMIN,
        "Tell again",
        (Answer(200, "How many deliveries.", EventsReplayedDocument),),
        "Those that match, the dead ones of them where no status is named; with `dry_run` nothing changes.",
        body=Body(EventsToReplay, example={"status": "dead", "endpoint": "shop", "dry_run": True}),
        refuses={400: ("empty_filter",), 409: ("replay_running",)},
    ),
)
