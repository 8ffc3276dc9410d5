"""A task and its images as the stand-in keeps them, and the provider's task object made from them. No I/O here."""

import math
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from service.simulator.billing import charged, not_charged, reserved
from service.simulator.faults import CallbackFault, ImageFault
from service.simulator.image_shelf import Bytes
from service.simulator.images import Picture
from service.simulator.plan import Plan, Status
from service.simulator.prompt_words import FAILURES
from service.simulator.submission import Submission

REMEMBERED_ATTEMPTS = 100
"""Callback attempts kept for one task; older ones only count."""

PENDING_SHARE = 0.2
"""The part of its time that a task is pending before it is processing."""


@dataclass(slots=True)
class ResultImage:
    """A result image with what happened to it; `url` lives until `expires_at` (Unix s)."""

    picture: Picture
    path: str
    url: str
    expires_at: float
    faults: tuple[ImageFault, ...]
    true: Bytes | None = None  # known once it was drawn
    requests: int = 0
    times_served: int = 0  # answers that carried the true bytes, whole

    def next_fault(self) -> ImageFault | None:
        """Count a request and say what spoils it."""
        self.requests += 1
        return self.faults[self.requests - 1] if self.requests <= len(self.faults) else None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One POST to the callback URL: what it said, and the receiver's answer or why there was none."""

    said: str
    response: int | None
    error: str | None = None

    @property
    def delivered(self) -> bool:
        return self.response is not None and 200 <= self.response < 300


@dataclass(slots=True)
class Task:
    """A task from submission on; `created` is Unix seconds."""

    plan: Plan
    submission: Submission
    created: float
    images: tuple[ResultImage, ...]
    callback_faults: frozenset[CallbackFault]
    idempotency_key: str | None = None
    finished: bool = False
    attempts: deque[Attempt] = field(default_factory=lambda: deque(maxlen=REMEMBERED_ATTEMPTS))
    attempted: int = 0
    delivered: int = 0
    announced: bool = False  # ended, and nothing more will be sent unasked

    @property
    def id(self) -> str:
        return self.plan.task_id

    def record(self, attempt: Attempt) -> None:
        self.attempts.append(attempt)
        self.attempted += 1
        self.delivered += attempt.delivered

    def status(self, now: float) -> Status:
        if self.finished:
            return self.plan.outcome
        waited = now - self.created
        return Status.PENDING if waited < PENDING_SHARE * self.plan.seconds else Status.PROCESSING


def result_images(
    plan: Plan, *, created: float, lifetime: float, origin: str, account: str, faults: dict[str, tuple[ImageFault, ...]]
) -> tuple[ResultImage, ...]:
    """The images of a task, at paths like the provider's; their links count from `created`."""
    day = datetime.fromtimestamp(created, UTC)
    images = []
    for picture in plan.pictures:
        path = f"/files/{account}/images/{day:%Y/%m/%d}/{picture.file_name}"
        expires_at = created + lifetime
        images.append(ResultImage(picture, path, f"{origin}{path}", expires_at, faults[picture.name]))
    return tuple(images)


def submit_answer(task: Task) -> dict[str, Any]:
    """What the provider answers to a submission; the same again when it is replayed."""
    info = {"can_cancel": False, "estimated_time": math.ceil(task.plan.seconds)}
    return {**_object(task, Status.PENDING, 0), "task_info": info, "usage": reserved(task.submission)}


def task_object(task: Task, now: float) -> dict[str, Any]:
    """The task as `GET /v1/tasks/{id}` shows it."""
    status = task.status(now)
    if status is Status.PENDING:
        return submit_answer(task)
    if status is Status.PROCESSING:
        share = (now - task.created) / task.plan.seconds if task.plan.seconds else 1.0
        return processing_object(task, progress=max(1, min(99, int(share * 100))))
    return ended_object(task, status)


def processing_object(task: Task, *, progress: int) -> dict[str, Any]:
    return {**submit_answer(task), "status": Status.PROCESSING.value, "progress": progress}


def ended_object(task: Task, outcome: Status) -> dict[str, Any]:
    """The task as it ended, or as a contradictory callback claims that it did."""
    info = {"can_cancel": False, "estimated_time": 0}
    if outcome is Status.COMPLETED:
        results = {
            "results": [image.url for image in task.images],
            "result_data": [{"url": image.url} for image in task.images],
            "duration": round(task.plan.seconds),
        }
        return {**_object(task, outcome, 100), **results, "task_info": info, "usage": charged(task.submission)}
    code = "request_cancelled" if outcome is Status.CANCELLED else task.plan.failure or "unknown_error"
    message = FAILURES.get(code, "The request was cancelled.")
    error = {"code": code, "message": message, "type": "task_error"}
    return {**_object(task, outcome, 100), "error": error, "task_info": info, "usage": not_charged()}


def _object(task: Task, status: Status, progress: int) -> dict[str, Any]:
    return {
        "id": task.id,
        "object": "image.generation.task",
        "type": "image",
        "model": task.submission.model,
        "status": status.value,
        "progress": progress,
        "created": int(task.created),
    }
