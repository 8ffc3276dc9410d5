"""A task and its images as the stand-in keeps them. No I/O here, and no wire format."""

from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime

from service.simulator.chance import Chance
from service.simulator.faults import CallbackFault, ImageFault, LinkFault
from service.simulator.image_shelf import Bytes
from service.simulator.images import Picture
from service.simulator.plan import Plan, Status
from service.simulator.submission import Submission

REMEMBERED_ATTEMPTS = 100
"""Callback attempts kept for one task; older ones only count."""

PENDING_SHARE = 0.2
"""The part of its time that a task is pending before it is processing."""


@dataclass(slots=True)
class ResultImage:
    """A result image with what happened to it; its links live until `expires_at` (Unix s)."""

    picture: Picture
    origin: str
    path: str
    moved_path: str  # where it is after it has `moved`
    expires_at: float
    faults: tuple[ImageFault, ...]
    true: Bytes | None = None  # known once it was drawn
    requests: int = 0
    times_served: int = 0  # answers that carried the true bytes, whole
    refused: int = 0  # requests that came by a dead link, not counted among `requests`

    @property
    def url(self) -> str:
        return self.origin + self.path

    @property
    def moved_url(self) -> str:
        return self.origin + self.moved_path

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
    link_faults: frozenset[LinkFault]
    idempotency_key: str | None = None
    ended_at: float | None = None
    links_read: int = 0  # answers of the task API that gave the links
    links_dead: bool = False  # a link was refused because it died early or moved
    links_renewed: bool = False  # the links were read after that
    attempts: deque[Attempt] = field(default_factory=lambda: deque(maxlen=REMEMBERED_ATTEMPTS))
    attempted: int = 0
    delivered: int = 0
    announced: bool = False  # ended, and nothing more will be sent unasked

    @property
    def id(self) -> str:
        return self.plan.task_id

    @property
    def finished(self) -> bool:
        return self.ended_at is not None

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
    plan: Plan,
    *,
    created: float,
    lifetime: float,
    origin: str,
    chance: Chance,
    faults: dict[str, tuple[ImageFault, ...]],
) -> tuple[ResultImage, ...]:
    """The images of a task, at paths like the provider's; their links count from `created`."""
    folder = f"/files/{chance.hexadecimal(12, 'account')}/images/{datetime.fromtimestamp(created, UTC):%Y/%m/%d}"
    return tuple(
        ResultImage(
            picture=picture,
            origin=origin,
            path=f"{folder}/{picture.file_name}",
            moved_path=f"{folder}/{picture.renamed(chance.hexadecimal(32, 'moved', picture.name))}",
            expires_at=created + lifetime,
            faults=faults[picture.name],
        )
        for picture in plan.pictures
    )
