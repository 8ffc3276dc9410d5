"""The provider's routes: submit, read one task, read several, list. Source: its API pages.

It only translates; `book` remembers and `studio` works.
"""

import hmac
import json
import re
from collections.abc import Callable

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from service.simulator.api_error import ApiError, invalid
from service.simulator.plan import TASK_PREFIX, Status
from service.simulator.studio import Studio
from service.simulator.submission import read_submission
from service.simulator.tasks import Task, submit_answer, task_object

MOST_BODY_BYTES = 1024 * 1024
MOST_AT_ONCE = 50
DEFAULT_PAGE = 20
_TASK_ID = re.compile(r"[A-Za-z0-9._:-]{4,128}")
_IDEMPOTENCY_KEY = re.compile(r"[A-Za-z0-9._-]{16,96}")
_LINKS = ("results", "result_data")


class ProviderApi:
    """The API of one run; with no `api_key`, any key that is not empty is good."""

    def __init__(
        self, *, studio: Studio, api_key: str | None, allow_http_callbacks: bool, clock: Callable[[], float]
    ) -> None:
        self._studio = studio
        self._book = studio.book
        self._api_key = api_key
        self._allow_http_callbacks = allow_http_callbacks
        self._clock = clock

    def routes(self) -> list[Route]:
        return [
            Route("/v1/images/generations", self.submit, methods=["POST"]),
            Route("/v1/tasks/batch", self.read_several, methods=["POST"]),
            Route("/v1/tasks", self.list_tasks, methods=["GET"]),
            Route("/v1/tasks/{task_id}", self.read_one, methods=["GET"]),
        ]

    async def submit(self, request: Request) -> Response:
        """`POST /v1/images/generations`; the same Idempotency-Key again gives the same answer."""
        if (refused := self._refusal(request)) is not None:
            return refused.response()
        key = request.headers.get("idempotency-key")
        if key is not None and _IDEMPOTENCY_KEY.fullmatch(key) is None:
            return invalid("Idempotency-Key", "16 to 96 of A-Z a-z 0-9 . _ -").response()
        body = await _body(request)
        if isinstance(body, ApiError):
            return body.response()
        submission = read_submission(body, allow_http_callbacks=self._allow_http_callbacks)
        if isinstance(submission, ApiError):
            return submission.response()
        known = self._book.replayed(key, submission) if key is not None else None
        if isinstance(known, Task):
            return JSONResponse(submit_answer(known), headers={"idempotency-replayed": "true"})
        task = known or self._book.add(submission, idempotency_key=key)
        if isinstance(task, ApiError):
            return task.response()
        self._studio.begin(task)
        return JSONResponse(submit_answer(task))

    async def read_one(self, request: Request) -> Response:
        """`GET /v1/tasks/{id}`."""
        if (refused := self._refusal(request)) is not None:
            return refused.response()
        task_id = request.path_params["task_id"]
        if _TASK_ID.fullmatch(task_id) is None or not task_id.startswith(TASK_PREFIX):
            return ApiError(400, "invalid_task_id", "This is not the id of a task.").response()
        task = self._book.get(task_id)
        if task is None:
            return ApiError(404, "task_not_found", "No task has this id.").response()
        return JSONResponse(task_object(task, self._clock()))

    async def read_several(self, request: Request) -> Response:
        """`POST /v1/tasks/batch {"task_ids": […]}`; ids that are not known are left out."""
        if (refused := self._refusal(request)) is not None:
            return refused.response()
        body = await _body(request)
        task_ids = body if isinstance(body, ApiError) else _task_ids(body)
        if isinstance(task_ids, ApiError):
            return task_ids.response()
        now = self._clock()
        found = [task for task_id in task_ids if (task := self._book.get(task_id)) is not None]
        return JSONResponse({"object": "list", "data": [task_object(task, now) for task in found]})

    async def list_tasks(self, request: Request) -> Response:
        """`GET /v1/tasks?status=&type=&page=&page_size=`, newest first, without links."""
        if (refused := self._refusal(request)) is not None:
            return refused.response()
        query = request.query_params
        page, size = _number(query.get("page", "1")), _number(query.get("page_size", str(DEFAULT_PAGE)))
        if page is None:
            return invalid("page", "page is a whole number from 1").response()
        if size is None or size > MOST_AT_ONCE:
            return invalid("page_size", f"page_size is a whole number from 1 to {MOST_AT_ONCE}").response()
        if (word := query.get("status")) is not None and word not in tuple(Status):
            return invalid("status", f"status is one of {' '.join(Status)}").response()
        status = Status(word) if word is not None else None
        tasks = self._book.newest(status=status, skip=(page - 1) * size, limit=size + 1)
        if query.get("type", "image") != "image":
            tasks = []
        now = self._clock()
        shown = [{k: v for k, v in task_object(task, now).items() if k not in _LINKS} for task in tasks[:size]]
        answer = {"object": "list", "data": shown, "page": page, "page_size": size, "has_more": len(tasks) > size}
        return JSONResponse(answer)

    def _refusal(self, request: Request) -> ApiError | None:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        key = key.strip()
        if scheme.lower() != "bearer" or not key:
            return ApiError(401, "unauthorized", "An API key is needed: Authorization: Bearer KEY.")
        if self._api_key is None or hmac.compare_digest(key.encode(), self._api_key.encode()):
            return None
        return ApiError(401, "invalid_api_key", "The API key is not valid.")


async def _body(request: Request) -> bytes | ApiError:
    """The request's body, refused as soon as it is too long."""
    body = bytearray()
    try:
        async for block in request.stream():
            body += block
            if len(body) > MOST_BODY_BYTES:
                return ApiError(400, "invalid_request", "The body is too long.")
    except ClientDisconnect:
        return ApiError(400, "invalid_request", "The body is not complete.")
    return bytes(body)


def _task_ids(body: bytes) -> list[str] | ApiError:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return ApiError(400, "invalid_request", "The body is not valid JSON.")
    task_ids = document.get("task_ids") if isinstance(document, dict) else None
    if not isinstance(task_ids, list) or not 1 <= len(task_ids) <= MOST_AT_ONCE:
        return invalid("task_ids", f"task_ids is a list of 1 to {MOST_AT_ONCE} ids")
    if not all(isinstance(task_id, str) for task_id in task_ids):
        return invalid("task_ids", "an id is a string")
    return list(dict.fromkeys(task_ids))


def _number(text: str) -> int | None:
    """A whole number from 1, of at most nine digits."""
    return int(text) if re.fullmatch(r"[1-9][0-9]{0,8}", text) else None
