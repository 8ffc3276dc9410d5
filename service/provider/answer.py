"""What the provider's answers mean, route by route. Pure; nothing here raises for what an answer holds."""

from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from service.provider.breaker import Judgement
from service.provider.exchange import Answer, NoAnswer
from service.provider.payload import Readable, Unreadable, read_callback, read_item, read_json
from service.provider.reading import Found, Listed, Listing, Missing, Reading, Unreachable, Unsupported

R = TypeVar("R")

_NO_ROUTE = frozenset({400, 403, 404, 405, 501})
_NO_TASK = frozenset({"task_not_found", "resource_not_found", "404"})
"""Codes of a 404 that is about the task; older pages have integers. Any other 404 may be a gateway's."""

_NOT_AN_ID = "invalid_task_id"
_LIST_KEYS = ("data", "tasks", "items")


@dataclass(frozen=True, slots=True)
class Judged(Generic[R]):
    """What an answer says of what was asked, and what it says of the provider; `task_id` where that is about a task."""

    said: R | Unreachable
    judgement: Judgement
    task_id: str = ""


@dataclass(frozen=True, slots=True)
class ProviderError:
    """`{"error": {code, message, type, param}}`, where any member may be missing and the code a number."""

    code: str
    kind: str
    message: str
    param: str = ""


def task_answer(task_id: str, answer: Answer | NoAnswer) -> Judged[Reading]:
    """`GET /v1/tasks/{id}`."""
    if isinstance(answer, NoAnswer):
        return Judged(Unreachable(answer.detail), Judgement.FAILED)
    if answer.success:
        return _task(task_id, read_callback(answer.body))
    error = read_error(answer.body)
    if answer.status == 404 and error is not None and error.code in _NO_TASK:
        return Judged(Missing(), Judgement.GOOD)
    if answer.status == 400 and error is not None:
        said = Missing() if _NOT_AN_ID in (error.code, error.kind) else described(answer)
        return Judged(said, Judgement.GOOD)
    return Judged(described(answer), Judgement.SUSPECT, task_id)


def probe_answer(no_task: str, answer: Answer | NoAnswer) -> Judged[Reading]:
    """`GET /v1/tasks/{id}` of a task that cannot be: refusals of the API are good, and 403 can only mean the key."""
    if isinstance(answer, NoAnswer):
        return Judged(Unreachable(answer.detail), Judgement.FAILED)
    if answer.status == 403:
        return Judged(described(answer, refused=True), Judgement.REFUSED)
    if answer.status >= 500 or 300 <= answer.status < 400:
        return Judged(described(answer), Judgement.DOWN)
    reading = read_callback(answer.body) if answer.success else None
    if reading is not None and not (isinstance(reading, Readable) and reading.event.task_id == no_task):
        return Judged(Unreachable("it answers a question about no task"), Judgement.DOWN)
    return Judged(Missing(), Judgement.GOOD)


def _task(task_id: str, reading: Readable | Unreadable) -> Judged[Reading]:
    if isinstance(reading, Unreadable):
        return Judged(Unreachable(reading.detail), Judgement.SUSPECT, task_id)
    if reading.event.task_id != task_id:
        return Judged(Unreachable("the answer is about another task"), Judgement.SUSPECT, task_id)
    return Judged(Found(reading.event, reading.text), Judgement.GOOD)


def batch_answer(answer: Answer | NoAnswer) -> Judged[tuple[Found, ...] | Unsupported]:
    """`POST /v1/tasks/batch`; its failures say nothing of the provider, for the route may be at fault."""
    if isinstance(answer, NoAnswer):
        return Judged(Unreachable(answer.detail), Judgement.NOTHING)
    if answer.status >= 500 and answer.status not in _NO_ROUTE:
        return Judged(described(answer), Judgement.NOTHING)
    items = _list_in(_document(answer.body)) if answer.success else None
    if items is None:
        return Judged(Unsupported(), Judgement.NOTHING)
    found = tuple(Found(one.event, one.text) for one in map(read_item, items) if one is not None)
    if items and not found:
        return Judged(Unsupported(), Judgement.NOTHING)
    return Judged(found, Judgement.GOOD)


def list_answer(size: int, answer: Answer | NoAnswer) -> Judged[Listing]:
    """`GET /v1/tasks` with pages of `size` entries."""
    if isinstance(answer, NoAnswer):
        return Judged(Unreachable(answer.detail), Judgement.FAILED)
    if answer.status in _NO_ROUTE:
        return Judged(Unsupported(), Judgement.NOTHING)
    if not answer.success:
        return Judged(described(answer), Judgement.FAILED)
    document = _document(answer.body)
    entries = _list_in(document)
    if entries is None:
        return Judged(Unreachable("the answer is not a list of tasks"), Judgement.FAILED)
    more = document.get("has_more") if isinstance(document, dict) else None
    readable = (one.event for one in map(read_item, filter(_is_image, entries)) if one is not None)
    events = tuple(replace(event, links=()) for event in readable)
    return Judged(Listed(events, more if isinstance(more, bool) else len(entries) >= size), Judgement.GOOD)


def described(answer: Answer, *, refused: bool = False) -> Unreachable:
    """An answer that is no success, in printable characters; uncut, because half a secret is found by no search."""
    error = read_error(answer.body)
    words = [f"the provider answered {answer.status}"]
    if 300 <= answer.status < 400:
        words = [f"the provider redirects ({answer.status}), which is not followed"]
    if error is not None:
        words.append(error.code or error.kind)
    text = " ".join(word for word in words if word)
    if error is not None and error.message:
        text = f"{text}: {error.message}"
    return Unreachable(text, refused)


def read_error(body: bytes) -> ProviderError | None:
    """The error object of an answer; None when it has none, as the pages of gateways do."""
    document = _document(body)
    error = document.get("error") if isinstance(document, dict) else None
    if not isinstance(error, dict):
        return None
    code = error.get("code")
    code = str(code) if isinstance(code, int) and not isinstance(code, bool) else code
    words = (_printable(error.get(name)) for name in ("type", "message", "param"))
    return ProviderError(_printable(code), *words)


def _printable(value: object) -> str:
    """Text on one line that can be stored and shown, so no control characters or surrogates; '' for anything else."""
    if not isinstance(value, str):
        return ""
    line = "".join(character if character.isprintable() else " " for character in value)
    return " ".join(line.split())


def _is_image(entry: object) -> bool:
    kind = entry.get("type") if isinstance(entry, dict) else None
    return kind is None or kind == "image"


def _list_in(document: object) -> list[Any] | None:
    """The list of tasks in an answer, under whatever name."""
    if isinstance(document, dict):
        document = next((document[key] for key in _LIST_KEYS if isinstance(document.get(key), list)), None)
    return document if isinstance(document, list) else None


def _document(body: bytes) -> Any:
    try:
        return read_json(body)[1]
    except (ValueError, RecursionError):
        return None
