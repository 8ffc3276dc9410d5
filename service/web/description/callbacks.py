"""Operations on callbacks: what the provider calls, the URLs for it, and the inbox."""

from service.domain.api_key import Scope
from service.web.answers.callbacks import (
    AcceptedDocument,
    CallbackDocument,
    CallbacksReplayedDocument,
    CallbackUrlDocument,
    CallbackUrlWithTasksDocument,
    MintedDocument,
    RawCallbackDocument,
    RefusedCallbackDocument,
)
from service.web.answers.document import PageDocument
from service.web.callback_urls import LIKE_A_TASK_ID, CallbackUrlToMint
from service.web.callbacks import ROUTE, SOURCES
from service.web.description.operation import Answer, Body, Follow, Operation, Tag, first_of
from service.web.inbox import CALLBACK_PARAMETERS, CallbacksToReplay
from service.web.paging import PAGING

URL_ID = {"id": "The callback URL's id."}

_TASK_OBJECT = {
    "id": "task-unified-1757165031-called",
    "object": "image.generation.task",
    "model": "gpt-image-2",
    "status": "completed",
    "progress": 100,
    "created": 1757165031,
    "results": ["https://files.evolink.ai/called/0.png"],
}
_MINTED = (
    Follow("get_callback_url", {"id": "$response.body#/id"}),
    Follow("revoke_callback_url", {"id": "$response.body#/id"}),
)

OPERATIONS = (
    Operation(
        "POST",
        ROUTE,
        "receive_callback",
        Tag.CALLBACKS,
        None,
        "Take a callback",
        (
            Answer(202, "It is kept durably.", AcceptedDocument),
            Answer(200, "The same body had come before.", AcceptedDocument),
        ),
        "What the provider calls; the URL is the proof. A slash at its end makes no difference.",
        where={"source": f"The provider: `{'`, `'.join(SOURCES)}`.", "token": "What was signed."},
        body=Body(
            schema={
                "type": "object",
                "description": "The provider's task object; what else comes is kept, too.",
                "required": ["id"],
                "properties": {"id": {"type": "string", **LIKE_A_TASK_ID}},
            },
            example=_TASK_OBJECT,
            reads_strictly=False,
        ),
        refuses={
            404: ("not_found",),
            408: ("body_incomplete",),
            413: ("body_too_large",),
            422: ("unreadable",),
            429: ("limited",),
            503: ("unavailable",),
        },
    ),
    Operation(
        "GET",
        "/v1/callback-urls",
        "list_callback_urls",
        Tag.CALLBACKS,
        Scope.READ,
        "List callback URLs",
        (
            Answer(
                200,
                "Callback URLs, the newest first.",
                PageDocument[CallbackUrlDocument],
                follow=(first_of("get_callback_url"),),
            ),
        ),
        query=PAGING,
    ),
    Operation(
        "POST",
        "/v1/callback-urls",
        "mint_callback_url",
        Tag.CALLBACKS,
        Scope.WRITE,
        "Mint a callback URL",
        (Answer(201, "The URL, to be given to the provider.", MintedDocument, follow=_MINTED),),
        "`ref` and `tags` come back with the task and its images; `expires_in` is in seconds.",
        body=Body(
            CallbackUrlToMint,
            required=False,
            example={"ref": "order-1234", "tags": {"team": "shop"}, "expires_in": 172800},
        ),
        refuses={400: ("invalid_task_id", "url_too_long")},
    ),
    Operation(
        "GET",
        "/v1/callback-urls/{id}",
        "get_callback_url",
        Tag.CALLBACKS,
        Scope.READ,
        "Look at a callback URL",
        (Answer(200, "The URL with the tasks that callbacks through it named.", CallbackUrlWithTasksDocument),),
        where=URL_ID,
        refuses={404: ("callback_url_not_found",)},
    ),
    Operation(
        "DELETE",
        "/v1/callback-urls/{id}",
        "revoke_callback_url",
        Tag.CALLBACKS,
        Scope.ADMIN,
        "Revoke a callback URL",
        (Answer(204, "From now on it is answered 404."),),
        where=URL_ID,
        refuses={404: ("callback_url_not_found",)},
    ),
    Operation(
        "GET",
        "/v1/callbacks",
        "list_callbacks",
        Tag.CALLBACKS,
        Scope.READ,
        "List the inbox",
        (
            Answer(
                200,
                "Callbacks, the newest first.",
                PageDocument[CallbackDocument] | PageDocument[RefusedCallbackDocument],
                follow=(first_of("get_callback"),),
            ),
        ),
        query=(*CALLBACK_PARAMETERS, *PAGING),
    ),
    Operation(
        "GET",
        "/v1/callbacks/{id}",
        "get_callback",
        Tag.CALLBACKS,
        Scope.ADMIN,
        "Look at a callback, raw",
        (Answer(200, "With its headers and its body.", RawCallbackDocument),),
        where={"id": "The callback's id."},
        refuses={404: ("callback_not_found",)},
    ),
    Operation(
        "POST",
        "/v1/callbacks/replay",
        "replay_callbacks",
        Tag.CALLBACKS,
        Scope.ADMIN,
        "Run callbacks again",
        (Answer(200, "What it came to.", CallbacksReplayedDocument),),
        "Those that match, from their kept bodies; with `dry_run` nothing changes. Where nothing is filtered, `all` "
        "has to be said.",
        body=Body(CallbacksToReplay, example={"verdict": "accepted", "dry_run": True}),
        refuses={400: ("empty_filter", "contradictory_filter"), 409: ("replay_running",)},
    ),
)
