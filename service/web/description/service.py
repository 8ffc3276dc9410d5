"""Operations that tell of the service itself."""

from service.domain.api_key import Scope
from service.web.answers.document import JsonObject
from service.web.answers.health import AliveDocument, ReadinessDocument
from service.web.description.figures import NOT_KEPT
from service.web.description.operation import Answer, Header, Operation, Tag
from service.web.parameters import Parameter

_KEPT = (Header("ETag", "Of the document."), Header("Cache-Control", "`no-cache`."))
_CONDITIONS = (
    Parameter("If-None-Match", "Answered 304 where it is this one."),
    Parameter("If-Match", "Answered 412 where it is another one."),
)
_ANOTHER = {412: ("precondition_failed",)}

OPERATIONS = (
    Operation(
        "GET",
        "/livez",
        "is_alive",
        Tag.SERVICE,
        None,
        "Whether it answers",
        (Answer(200, "It does.", AliveDocument),),
    ),
    Operation(
        "GET",
        "/readyz",
        "is_ready",
        Tag.SERVICE,
        None,
        "Whether it can store durably now",
        (
            Answer(200, "It can.", ReadinessDocument, headers=NOT_KEPT),
            Answer(503, "It cannot, and says why.", ReadinessDocument, headers=NOT_KEPT),
        ),
    ),
    Operation(
        "GET",
        "/metrics",
        "get_metrics",
        Tag.SERVICE,
        Scope.READ,
        "Figures for Prometheus",
        (Answer(200, "The text format.", media=("text/plain",)),),
        "With `DARKROOM_SERVER__METRICS_PORT` on a port of its own, and without a key.",
    ),
    Operation(
        "GET",
        "/openapi.json",
        "get_description",
        Tag.SERVICE,
        None,
        "This document",
        (Answer(200, "OpenAPI 3.1.", JsonObject, headers=_KEPT), Answer(304, "It is the one that you have.")),
        headers=_CONDITIONS,
        refuses=_ANOTHER,
    ),
    Operation(
        "GET",
        "/docs",
        "get_docs",
        Tag.SERVICE,
        None,
        "This document for people",
        (Answer(200, "A page.", media=("text/html",), headers=_KEPT), Answer(304, "It is the one that you have.")),
        headers=_CONDITIONS,
        refuses=_ANOTHER,
    ),
    Operation(
        "GET",
        "/static/{name}",
        "get_static",
        Tag.SERVICE,
        None,
        "Parts of pages",
        (
            Answer(200, "A style sheet or a script.", media=("text/css", "text/javascript"), headers=_KEPT),
            Answer(304, "It is the one that you have."),
        ),
        where={"name": "The file's name."},
        headers=_CONDITIONS,
        refuses={404: ("not_found",), **_ANOTHER},
    ),
)
