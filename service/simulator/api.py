"""The provider's routes: submit, read one task, read several, list. Source: its API pages.

It only translates; `api_gate` stands before it, `book` remembers, `studio` works and `task_view` says what is shown.
"""

import re
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from service.domain.submission import IDEMPOTENCY_KEY, is_idempotency_key
from service.simulator.api_error import ApiError, invalid
from service.simulator.api_gate import ApiGate, Reply
from service.simulator.api_state import ApiSwitch
from service.simulator.plan import TASK_PREFIX, Status
from service.simulator.request_body import read_body, read_object
from service.simulator.request_count import Asked
from service.simulator.studio import Studio
from service.simulator.submission import read_submission
from service.simulator.task_object import submit_answer
from service.simulator.task_view import TaskView
from service.simulator.tasks import Task

MOST_AT_ONCE = 50
DEFAULT_PAGE = 20
_TASK_ID = re.compile(r"[A-Za-z0-9._:-]{4,128}")
_NO_ROUTE = ApiError(404, "not_found", "There is no such route.")


class ProviderApi:
    """The API of one run."""

    def __init__(
        self, *, studio: Studio, gate: ApiGate, switch: ApiSwitch, view: TaskView, allow_http_callbacks: bool
    ) -> None:
        self._studio = studio
        self._book = studio.book
        self._gate = gate
        self._switch = switch
        self._view = view
        self._allow_http_callbacks = allow_http_callbacks

    def routes(self) -> list[Route]:
        before = self._gate.before
        return [
            Route("/v1/images/generations", before(self.submit, Asked.SUBMIT), methods=["POST"]),
            Route("/v1/tasks/batch", before(self.read_several, Asked.READ_SEVERAL), methods=["POST"]),
            Route("/v1/tasks", before(self.list_tasks, Asked.LIST_TASKS), methods=["GET"]),
            Route("/v1/tasks/{task_id}", before(self.read_one, Asked.READ_ONE), methods=["GET"]),
        ]

    async def submit(self, request: Request) -> Reply:
        """`POST /v1/images/generations`; the same Idempotency-Key again gives the same answer."""
        key = request.headers.get("idempotency-key")
        if key is not None and not is_idempotency_key(key):
            return invalid("Idempotency-Key", IDEMPOTENCY_KEY)
        body = await read_body(request)
        if isinstance(body, ApiError):
            return body
        submission = read_submission(body, allow_http_callbacks=self._allow_http_callbacks)
        if isinstance(submission, ApiError):
            return submission
        if self._switch.habits.no_idempotency:
            key = None
        known = self._book.replayed(key, submission) if key is not None else None
        if isinstance(known, Task):
            return JSONResponse(submit_answer(known), headers={"idempotency-replayed": "true"})
        task = known or self._book.add(submission, idempotency_key=key)
        if isinstance(task, ApiError):
            return task
        self._studio.begin(task)
        return JSONResponse(submit_answer(task))

    async def read_one(self, request: Request) -> Reply:
        """`GET /v1/tasks/{id}`."""
        task_id = request.path_params["task_id"]
        if _TASK_ID.fullmatch(task_id) is None or not task_id.startswith(TASK_PREFIX):
            return ApiError(400, "invalid_task_id", "This is not the id of a task.")
        task = self._book.get(task_id)
        shown = self._view.shown(task, with_links=True) if task is not None else None
        if shown is None:
            return ApiError(404, "task_not_found", "No task has this id.")
        return JSONResponse(shown)

    async def read_several(self, request: Request) -> Reply:
        """`POST /v1/tasks/batch {"task_ids": […]}`; ids that are not known are left out."""
        habits = self._switch.habits
        if habits.no_batch:
            return _NO_ROUTE
        body = await read_object(request)
        task_ids = body if isinstance(body, ApiError) else _task_ids(body)
        if isinstance(task_ids, ApiError):
            return task_ids
        found = [task for task_id in task_ids if (task := self._book.get(task_id)) is not None]
        shown = [self._view.shown(task, with_links=not habits.batch_without_links) for task in found]
        return JSONResponse({"object": "list", "data": [one for one in shown if one is not None]})

    async def list_tasks(self, request: Request) -> Reply:
        """`GET /v1/tasks?status=&type=&page=&page_size=`, newest first, without links."""
        if self._switch.habits.no_list:
            return _NO_ROUTE
        query = request.query_params
        page, size = _number(query.get("page", "1")), _number(query.get("page_size", str(DEFAULT_PAGE)))
        if page is None:
            return invalid("page", "page is a whole number from 1")
        if size is None or size > MOST_AT_ONCE:
            return invalid("page_size", f"page_size is a whole number from 1 to {MOST_AT_ONCE}")
        if (word := query.get("status")) is not None and word not in tuple(Status):
            return invalid("status", f"status is one of {' '.join(Status)}")
        tasks = self._page(word, skip=(page - 1) * size, limit=size + 1)
        if query.get("type", "image") != "image":
            tasks = []
        shown = [self._view.shown(task, with_links=False) for task in tasks[:size]]
        return JSONResponse(
            {"object": "list", "data": shown, "page": page, "page_size": size, "has_more": len(tasks) > size}
        )

    def _page(self, word: str | None, *, skip: int, limit: int) -> list[Task]:
        """Tasks that are shown with this status, or with any."""

        def wanted(task: Task) -> bool:
            status = self._view.status(task)
            return status is not None and word in (None, status)

        return self._book.newest(wanted=wanted, skip=skip, limit=limit)


def _task_ids(body: dict[str, Any]) -> list[str] | ApiError:
    task_ids = body.get("task_ids")
    if not isinstance(task_ids, list) or not 1 <= len(task_ids) <= MOST_AT_ONCE:
        return invalid("task_ids", f"task_ids is a list of 1 to {MOST_AT_ONCE} ids")
    if not all(isinstance(task_id, str) for task_id in task_ids):
        return invalid("task_ids", "an id is a string")
    return list(dict.fromkeys(task_ids))


def _number(text: str) -> int | None:
    """A whole number from 1, of at most nine digits."""
    return int(text) if re.fullmatch(r"[1-9][0-9]{0,8}", text) else None
