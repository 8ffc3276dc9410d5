"""The provider's own routes, and what became of what was submitted through them."""

from collections.abc import Mapping
from typing import Any

from service.domain.api_key import Scope
from service.domain.submission import IDEMPOTENCY_KEY_PATTERN
from service.submission.parameters import LONGEST_PROMPT, MODEL, MOST_INPUT_IMAGES, OFFERS, QUALITIES
from service.submission.sizes import Resolution
from service.submission.validate import LONGEST_MODEL
from service.web.answers.document import PageDocument
from service.web.answers.submissions import SubmissionDocument, SubmissionWithRequestDocument
from service.web.description.operation import Answer, Body, Follow, Header, Operation, Tag, first_of
from service.web.description.tasks import TASK_ID
from service.web.evolink import REF, TAGS, WARNING, ProviderTaskDocument
from service.web.paging import PAGING
from service.web.parameters import Like, Parameter
from service.web.problems import PROVIDERS_ROUTES
from service.web.submissions import SUBMISSION_PARAMETERS

_URL = {"type": "string", "format": "uri"}
_REQUEST: Mapping[str, Any] = {
    "type": "object",
    "description": "As the provider documents it. Members that are null count as not given.",
    "required": ["model", "prompt"],
    "properties": {
        "model": {
            "type": "string",
            "minLength": 1,
            "maxLength": LONGEST_MODEL,
            "examples": list(OFFERS),
            "description": "Others than the examples pass with `DARKROOM_SUBMIT__OTHER_MODELS`.",
        },
        "prompt": {"type": "string", "minLength": 1, "maxLength": LONGEST_PROMPT},
        "size": {
            "type": "string",
            "default": "auto",
            "description": "`auto`, a ratio such as `16:9`, or width and height in pixels such as `1024x1536`.",
        },
        "resolution": {"enum": [str(one) for one in Resolution], "description": "Of a ratio."},
        "quality": {"enum": list(QUALITIES), "default": "medium"},
        "n": {"type": "integer", "minimum": 1, "maximum": OFFERS[MODEL].most_images, "default": 1},
        "image_urls": {"type": "array", "items": _URL, "minItems": 1, "maxItems": MOST_INPUT_IMAGES},
        "mask_url": _URL,
        "callback_url": {
            **_URL,
            "description": "Of yours: called by Darkroom when all images are safe.",
        },
    },
}
_PLAIN = "Percent-encoded where it is not plain ASCII."
_HEADERS = (
    Parameter(
        "Idempotency-Key",
        "The same request under the same key is sent once.",
        Like(IDEMPOTENCY_KEY_PATTERN, "an idempotency key"),
        example="order-1234-image-1",
    ),
    Parameter(REF, f"Your name for the task. {_PLAIN}", example="order-1234"),
    Parameter(TAGS, f"`name=value, name=value`. {_PLAIN}", example="team=shop, season=fall"),
)

OPERATIONS = (
    Operation(
        "POST",
        f"{PROVIDERS_ROUTES}v1/images/generations",
        "submit",
        Tag.SUBMIT,
        Scope.WRITE,
        "Submit",
        (
            Answer(
                200,
                "The provider's answer, as it came.",
                ProviderTaskDocument,
                headers=(
                    Header("Darkroom-Submission", "The id of what is kept of it."),
                    Header(
                        "Idempotency-Replayed", "`true` where the answer is one that was given before.", always=False
                    ),
                    Header(WARNING, "What there is to say besides, as of budgets near their end.", always=False),
                ),
                follow=(
                    Follow("get_provider_task", {"id": "$response.body#/id"}),
                    Follow("get_task", {"id": "$response.body#/id"}),
                ),
            ),
        ),
        "The provider's own route, for its clients. A request is kept before it is sent, and sent once. What breaks a "
        "documented rule is refused before money is spent; refusals of the provider are answered as they came.",
        headers=_HEADERS,
        body=Body(
            schema=_REQUEST,
            example={"model": MODEL, "prompt": "a lighthouse at dusk", "size": "16:9", "quality": "high"},
            reads_strictly=False,
        ),
        refuses={
            400: ("invalid_request", "invalid_parameters", "idempotency_key_reused"),
            402: ("budget_exceeded",),
            408: ("invalid_request",),
            409: ("submission_lost",),
            413: ("invalid_request",),
            503: ("service_unavailable", "submission_unclear"),
        },
        provider=True,
        passes_on="The provider's own refusal, as it came.",
    ),
    Operation(
        "GET",
        f"{PROVIDERS_ROUTES}v1/tasks/{{id}}",
        "get_provider_task",
        Tag.SUBMIT,
        Scope.READ,
        "Poll a task",
        (
            Answer(
                200,
                "The task as the provider shows it; `results` are permanent links of yours to what is archived.",
                ProviderTaskDocument,
                headers=(Header("Cache-Control", "`no-store`."),),
            ),
        ),
        "The provider's own route, for its clients.",
        where=TASK_ID,
        refuses={400: ("invalid_task_id",), 404: ("task_not_found",), 503: ("service_unavailable",)},
        provider=True,
    ),
    Operation(
        "GET",
        "/v1/submissions",
        "list_submissions",
        Tag.SUBMIT,
        Scope.READ,
        "List submissions",
        (
            Answer(
                200,
                "Submissions, the newest first.",
                PageDocument[SubmissionDocument],
                follow=(first_of("get_submission"),),
            ),
        ),
        query=(*SUBMISSION_PARAMETERS, *PAGING),
    ),
    Operation(
        "GET",
        "/v1/submissions/{id}",
        "get_submission",
        Tag.SUBMIT,
        Scope.READ,
        "Look at a submission",
        (Answer(200, "With what was sent and answered.", SubmissionWithRequestDocument),),
        where={"id": "The submission's id."},
        refuses={404: ("submission_not_found",)},
    ),
)
