"""Puts tasks into the book as if somebody else had submitted them, earlier: for tests of what reads a whole account."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from service.simulator.api_error import ApiError, invalid
from service.simulator.request_body import read_object
from service.simulator.studio import Studio
from service.simulator.submission import Submission, read_submission
from service.simulator.tasks import Task
from service.submission.parameters import MODEL

MOST_AT_ONCE = 1000
_WORDS = {"completed": "[complete]", "failed": "[fail]", "cancelled": "[cancel]"}

_Stranger = tuple[Submission, float]


class Strangers:
    """Everybody else who has the same account."""

    def __init__(self, *, studio: Studio, clock: Callable[[], float]) -> None:
        self._studio = studio
        self._clock = clock

    def routes(self) -> list[Route]:
        return [Route("/simulator/tasks", self.add, methods=["POST"])]

    async def add(self, request: Request) -> Response:
        """`POST /simulator/tasks {"tasks": [{"status", "created_seconds_ago", …}]}` → `{"ids": […]}`, in that order.

        `status` is the end it comes to, `completed` unless told; every parameter of a submission may stand beside it.
        It ends when its time is over, which for one of long ago is before the answer. `callback` is read by nobody:
        without a `callback_url` there is none.
        """
        body = await read_object(request)
        strangers = body if isinstance(body, ApiError) else self._strangers(body.get("tasks"))
        if isinstance(strangers, ApiError):
            return strangers.response()
        book = self._studio.book
        added = [book.add(submission, idempotency_key=None, age=age) for submission, age in strangers]
        tasks = [task for task in added if isinstance(task, Task)]
        await self._end(tasks)
        for task in tasks:
            self._studio.begin(task)
        refused = next((one for one in added if isinstance(one, ApiError)), None)
        return refused.response() if refused is not None else JSONResponse({"ids": [task.id for task in tasks]})

    async def _end(self, tasks: list[Task]) -> None:
        """End those whose time is over, as long ago as it was."""
        now = self._clock()
        over = [task for task in tasks if task.created + task.plan.seconds <= now]
        await asyncio.gather(*(self._studio.end(task) for task in over))
        for task in over:
            task.ended_at = task.created + task.plan.seconds

    def _strangers(self, told: object) -> list[_Stranger] | ApiError:
        if not isinstance(told, list) or not 1 <= len(told) <= MOST_AT_ONCE:
            return invalid("tasks", f"tasks is a list of 1 to {MOST_AT_ONCE} objects")
        strangers: list[_Stranger] = []
        for entry in told:
            stranger = self._stranger(entry) if isinstance(entry, dict) else invalid("tasks", "a task is an object")
            if isinstance(stranger, ApiError):
                return stranger
            strangers.append(stranger)
        return strangers

    def _stranger(self, entry: dict[str, Any]) -> _Stranger | ApiError:
        status, age = entry.get("status", "completed"), entry.get("created_seconds_ago", 0)
        if not isinstance(status, str) or status not in _WORDS:
            return invalid("status", f"status is one of {' '.join(_WORDS)}")
        if isinstance(age, bool) or not isinstance(age, int | float) or not 0 <= age < self._clock():
            return invalid("created_seconds_ago", "created_seconds_ago is a number from 0")
        prompt = f"{entry.get('prompt', 'what a stranger wants')} {_WORDS[status]}"
        body = json.dumps({"model": MODEL, **entry, "prompt": prompt}).encode()
        submission = read_submission(body, allow_http_callbacks=True)
        return submission if isinstance(submission, ApiError) else (submission, float(age))
