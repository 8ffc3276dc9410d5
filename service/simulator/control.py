"""What tests ask of the stand-in itself: the ledger of everything that is true, a callback once more, liveness."""

import json
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from service.simulator.api_error import ApiError
from service.simulator.api_state import ApiSwitch
from service.simulator.book import Book
from service.simulator.request_body import read_object
from service.simulator.request_count import RequestCount
from service.simulator.studio import Studio
from service.simulator.tasks import ResultImage, Task


class Control:
    """Routes beside the provider's; open to anyone who reaches the stand-in."""

    def __init__(self, *, studio: Studio, count: RequestCount, switch: ApiSwitch) -> None:
        self._studio = studio
        self._count = count
        self._switch = switch
        self._book = studio.book

    def routes(self) -> list[Route]:
        return [
            Route("/simulator/ledger", self.ledger, methods=["GET"]),
            Route("/simulator/tasks/{task_id}/callback", self.call_again, methods=["POST"]),
            Route("/simulator/api", self.api, methods=["GET", "POST"]),
            Route("/livez", self.livez, methods=["GET"]),
        ]

    async def livez(self, _request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def ledger(self, _request: Request) -> Response:
        """`GET /simulator/ledger`: what was asked; every task, its true end, its images and callbacks; streamed."""
        return StreamingResponse(_ledger(self._book, self._count), media_type="application/json")

    async def api(self, request: Request) -> Response:
        """`GET /simulator/api`: state and habits of the task API; `POST` with some of the members turns them."""
        if request.method == "POST":
            members = await read_object(request)
            if isinstance(members, ApiError):
                return members.response()
            try:
                self._switch.turn(members)
            except ValueError as error:
                return ApiError(400, "invalid_request", str(error)).response()
        return JSONResponse(self._switch.document())

    async def call_again(self, request: Request) -> Response:
        """`POST /simulator/tasks/{id}/callback`: the true callback once more, in one attempt."""
        task = self._book.get(request.path_params["task_id"])
        if task is None:
            return ApiError(404, "task_not_found", "No task has this id.").response()
        if not task.finished:
            return ApiError(409, "task_not_finished", "The task has not ended yet.").response()
        if task.submission.request.callback_url is None:
            return ApiError(409, "no_callback_url", "The task was submitted without callback_url.").response()
        attempt = await self._studio.call_again(task, task.submission.request.callback_url)
        answer = {"delivered": attempt.delivered, "response": attempt.response, "error": attempt.error}
        return JSONResponse(answer)


async def _ledger(book: Book, count: RequestCount) -> AsyncIterator[str]:
    head = {"seed": book.seed, "totals": totals(book), **count.document()}
    yield json.dumps(head).removesuffix("}") + ', "tasks": ['
    separator = ""
    for task in book:
        yield separator + json.dumps(task_entry(task))
        separator = ", "
    yield "]}\n"


def totals(book: Book) -> dict[str, Any]:
    """Sums over all tasks in the book."""
    tasks = list(book)
    images = [image for task in tasks for image in task.images]
    return {
        "tasks": len(tasks),
        "finished": sum(task.finished for task in tasks),
        "callbacks_done": sum(task.announced for task in tasks),
        "statuses": dict(sorted(Counter(task.plan.outcome.value for task in tasks).items())),
        "images": len(images),
        "bytes": sum(image.true.size for image in images if image.true is not None),
        "times_served": sum(image.times_served for image in images),
        "callbacks_attempted": sum(task.attempted for task in tasks),
        "callbacks_delivered": sum(task.delivered for task in tasks),
        "forgotten": book.forgotten,
    }


def task_entry(task: Task) -> dict[str, Any]:
    """One task of the ledger; `status` is its true end, also before it got there."""
    attempts = [{"said": one.said, "response": one.response, "error": one.error} for one in task.attempts]
    return {
        "id": task.id,
        "status": task.plan.outcome.value,
        "finished": task.finished,
        "created": int(task.created),
        "n": task.submission.request.n,
        "callback_url_sent": task.submission.request.callback_url is not None,
        "faults": sorted((*task.callback_faults, *task.link_faults)),
        "links_read": task.links_read,
        "callbacks": {
            "done": task.announced,
            "delivered": task.delivered,
            "attempted": task.attempted,
            "statuses": [one.said for one in task.attempts if one.delivered],
            "attempts": attempts,
        },
        "images": [_image_entry(image) for image in task.images],
    }


def _image_entry(image: ResultImage) -> dict[str, Any]:
    return {
        "url": image.url,
        "sha256": image.true.sha256 if image.true is not None else None,
        "bytes": image.true.size if image.true is not None else None,
        "width": image.picture.width,
        "height": image.picture.height,
        "format": image.picture.format.value,
        "faults": list(image.faults),
        "requests": image.requests,
        "times_served": image.times_served,
        "refused": image.refused,
    }
