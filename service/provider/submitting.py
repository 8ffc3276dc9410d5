"""What sending a submission can come to, as values, and how the provider's answer is read. No I/O.

What counts is whether a task may have been made of it: only the API's own refusal, or a request that never left, say
that nothing will be paid. Source: the provider's page of errors.
"""

from dataclasses import dataclass

from service.domain.task import TaskEvent
from service.provider.answer import Judged, described, read_error
from service.provider.breaker import Judgement
from service.provider.exchange import Answer, NoAnswer
from service.provider.payload import Readable, read_callback


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider made a task of it; `body` is its answer, as it came."""

    event: TaskEvent
    status: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Declined:
    """The provider refused it, in its own words: nothing is paid. `param` names what is wrong where it says so."""

    status: int
    body: bytes
    detail: str
    param: str = ""
    retry_after: str | None = None


@dataclass(frozen=True, slots=True)
class NotSent:
    """It never left, or never arrived: nothing is paid. `retry_after` is in seconds."""

    detail: str
    retry_after: float = 1.0


@dataclass(frozen=True, slots=True)
class AnswerLost:
    """It may have arrived."""

    detail: str


_GATEWAYS = frozenset({408, 502, 504})
"""Said by what stands before the API, whatever the words."""

Sent = Accepted | Declined | NotSent | AnswerLost


def submit_answer(answer: Answer | NoAnswer) -> Judged[Sent]:
    """`POST /v1/images/generations`. A gateway's page says nothing of what the API behind it did."""
    if isinstance(answer, NoAnswer):
        return Judged(AnswerLost(answer.detail) if answer.left else NotSent(answer.detail), Judgement.FAILED)
    if answer.success:
        reading = read_callback(answer.body)
        if isinstance(reading, Readable):
            return Judged(Accepted(reading.event, answer.status, answer.body), Judgement.GOOD)
        return Judged(AnswerLost("the answer names no task"), Judgement.NOTHING)
    error = read_error(answer.body)
    detail = described(answer).detail
    if answer.status in _GATEWAYS or (error is None and answer.status >= 500):
        return Judged(AnswerLost(detail), Judgement.NOTHING)
    judgement = Judgement.REFUSED if answer.status == 401 else Judgement.NOTHING
    param = error.param if error is not None else ""
    return Judged(Declined(answer.status, answer.body, detail, param, answer.retry_after), judgement)
