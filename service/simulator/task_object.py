"""The provider's task object, made from a task and what to say of it. Pure. Source: its API and callback pages."""

import math
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from service.simulator.billing import charged, not_charged, reserved
from service.simulator.plan import Status
from service.simulator.prompt_words import FAILURES
from service.simulator.tasks import Task

CANCELLED_CODE = "request_cancelled"
UNKNOWN_CODE = "unknown_error"
_NOTHING_LEFT = {"can_cancel": False, "estimated_time": 0}


def submit_answer(task: Task) -> dict[str, Any]:
    """What the provider answers to a submission; the same again when it is replayed."""
    info = {"can_cancel": False, "estimated_time": math.ceil(task.plan.seconds)}
    return {**_object(task, Status.PENDING, 0), "task_info": info, "usage": reserved(task.submission, day=_day(task))}


def processing_object(task: Task, *, progress: int) -> dict[str, Any]:
    return {**submit_answer(task), "status": Status.PROCESSING.value, "progress": progress}


def ended_object(task: Task, outcome: Status) -> dict[str, Any]:
    """The task as it ended, or as a contradictory callback claims that it did."""
    if outcome is Status.COMPLETED:
        return completed_object(task, [image.url for image in task.images])
    code = CANCELLED_CODE if outcome is Status.CANCELLED else task.plan.failure or UNKNOWN_CODE
    return unsuccessful_object(task, outcome, code)


def completed_object(task: Task, links: Sequence[str] | None) -> dict[str, Any]:
    """The task with its links, or with no member for them."""
    given = {"results": list(links), "result_data": [{"url": link} for link in links]} if links is not None else {}
    ended = {
        "duration": round(task.plan.seconds),
        "task_info": _NOTHING_LEFT,
        "usage": charged(task.submission, day=_day(task)),
    }
    return {**_object(task, Status.COMPLETED, 100), **given, **ended}


def unsuccessful_object(task: Task, outcome: Status, code: str) -> dict[str, Any]:
    """The task without images: failed, or cancelled."""
    message = FAILURES.get(code, "The request was cancelled.")
    error = {"code": code, "message": message, "type": "task_error"}
    return {**_object(task, outcome, 100), "error": error, "task_info": _NOTHING_LEFT, "usage": not_charged()}


def _object(task: Task, status: Status, progress: int) -> dict[str, Any]:
    return {
        "id": task.id,
        "object": "image.generation.task",
        "type": "image",
        "model": task.submission.request.model,
        "status": status.value,
        "progress": progress,
        "created": int(task.created),
    }


def _day(task: Task) -> date:
    """The day (UTC) whose prices count."""
    return datetime.fromtimestamp(task.created, UTC).date()
