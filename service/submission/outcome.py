"""What submitting comes to, as values. Which HTTP answer each becomes is the business of `web`."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from service.domain.audit import Actor
from service.domain.submission import Submission


class Reason(StrEnum):
    """Why a request got no task; a closed set, used as a metric label."""

    KEY_REUSED = "key_reused"  # its Idempotency-Key was another request's
    OVER_BUDGET = "over_budget"
    DECLINED = "declined"  # by the provider
    NOT_SENT = "not_sent"
    UNCLEAR = "unclear"  # the answer was lost just now, or when it was sent before
    LOST = "lost"  # and will not be found any more
    NO_PROVIDER = "no_provider"


@dataclass(frozen=True, slots=True)
class Submitted:
    """The task that the provider made: its answer, `replayed` where it was given before or should have been.

    `warnings` are about the request, `budgets` name those that are near their end.
    """

    submission: Submission
    status: int
    body: bytes
    replayed: bool = False
    warnings: tuple[str, ...] = ()
    budgets: tuple[str, ...] = ()

    @property
    def task_id(self) -> str:
        assert self.submission.task_id is not None
        return self.submission.task_id


@dataclass(frozen=True, slots=True)
class Rejected:
    """No task was made as far as we know; `body` is the provider's own answer where it gave one.

    `retry_after` is in seconds. Nothing is paid unless the reason is `unclear` or `lost`.
    """

    reason: Reason
    message: str
    code: str = ""
    param: str | None = None
    status: int | None = None
    body: bytes | None = None
    retry_after: float | None = None


Outcome = Submitted | Rejected


@dataclass(frozen=True, slots=True)
class Client:
    """Who submits: the name of its API key, its Idempotency-Key, and the labels that the task is to carry.

    `actor` is who the audit trail names.
    """

    key_name: str
    idempotency_key: str | None
    ref: str | None
    tags: Mapping[str, str]
    actor: Actor | None = None
