"""EvoLink's task object → TaskEvent. Lenient: no field but the id is required, and nothing here may fail a batch.

Values that leave this module can be stored in any database: no NUL, no lone surrogate, no number out of range.
Sources: the provider's task API and callback pages; spellings seen in published responses.
"""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

from service.domain.object_key import is_task_id
from service.domain.task import EventStatus, TaskEvent

_STATUSES = {
    "pending": EventStatus.PENDING,
    "processing": EventStatus.PROCESSING,
    "completed": EventStatus.COMPLETED,
    "failed": EventStatus.FAILED,
    "cancelled": EventStatus.CANCELLED,
    "canceled": EventStatus.CANCELLED,
}
_CANCELLED_BY_CALLER = "request_cancelled"
_LARGEST_INTEGER = 2**63 - 1
_LONGEST_INTEGER = 20  # characters; longer ones cannot fit and are slow to convert
_MOST_BITS = 4096  # of integers that are kept as text
_LONGEST_WORD = 200
_LONGEST_LINK = 8192
_MOST_LINKS = 64  # far more than a task has images; what is done with each costs time
_LONGEST_ESTIMATE = 86400 * 7  # seconds

_PART = 16 * 1024
"""Bytes of memory that `usage` and `error` may take, each: a task carries them wherever it is listed or waits. They
have a dozen members; more is in the body alone, which is kept."""

_VALUE = 64
"""Bytes of memory that any value takes: a body of 1 MiB may have 300,000 of them."""

_LONGEST_TEXT = 2000


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A body that names no task; `detail` says why, `task_id` is '' so that it is kept under no task's name."""

    detail: str


@dataclass(frozen=True, slots=True)
class Readable:
    """An event with the JSON text it was read from."""

    event: TaskEvent
    text: str


def read_callback(body: bytes) -> Readable | Unreadable:
    """Read a task object; whatever is wrong with it becomes `Unreadable`, never an exception."""
    try:
        text, document = read_json(body)
        if not isinstance(document, dict):
            return Unreadable("the body is not a JSON object")
        event = _event(document)
    except RecursionError:
        return Unreadable("the JSON is nested too deeply")
    except Exception as error:  # noqa: BLE001 - any way a hostile body can fail is the same answer: kept raw
        return Unreadable(f"not readable as a task: {type(error).__name__}")
    return Readable(event, text) if event is not None else Unreadable("no usable task id")


def read_item(item: object) -> Readable | None:
    """Read a task object out of a document from `read_json`; None when it names no task. Never an exception."""
    try:
        event = _event(item) if isinstance(item, dict) else None
        # escaped, because a lone surrogate cannot be stored otherwise
        return Readable(event, json.dumps(item, separators=(",", ":"))) if event is not None else None
    except Exception:  # noqa: BLE001 - as above: one bad item must not cost the others
        return None


def tells_end(word: str | None) -> bool:
    """Whether a status, as the provider spells it, says that a task has ended."""
    return _STATUSES.get((word or "").strip().lower(), EventStatus.UNKNOWN).terminal


def read_json(body: bytes) -> tuple[str, Any]:
    """The text of a body and the document in it; raises ValueError or RecursionError."""
    text = body.decode(json.detect_encoding(body))
    return text, _reader.decode(text)


def _event(document: Mapping[str, Any]) -> TaskEvent | None:
    task_id = document.get("id")
    if not isinstance(task_id, str) or not is_task_id(task_id):
        return None
    word = _text(document.get("status")) or ""
    status = _STATUSES.get(word.strip().lower(), EventStatus.UNKNOWN)
    error = _part(document.get("error"))
    if status is EventStatus.FAILED and error is not None and error.get("code") == _CANCELLED_BY_CALLER:
        status = EventStatus.CANCELLED
    return TaskEvent(
        task_id=task_id,
        status=status,
        word=word[:_LONGEST_WORD],
        links=tuple(islice(dict.fromkeys(_links(document)), _MOST_LINKS)),
        model=_text(document.get("model")),
        created=_number(document.get("created")),
        usage=_part(document.get("usage")),
        error=error,
        estimated_seconds=_estimate(document),
    )


def _estimate(document: Mapping[str, Any]) -> float | None:
    info = document.get("task_info")
    seconds = _number(info.get("estimated_time")) if isinstance(info, dict) else None
    return seconds if seconds is not None and 0 <= seconds <= _LONGEST_ESTIMATE else None


def _links(document: Mapping[str, Any]) -> Iterator[str]:
    """`results[]` (strings or objects), then `result_data` (a list or one object)."""
    for key in ("results", "result_data"):
        found = document.get(key)
        for item in found if isinstance(found, list) else [found]:
            link = item.get("url") if isinstance(item, dict) else item
            if isinstance(link, str) and (clean := storable(link).strip()) and len(clean) <= _LONGEST_LINK:
                yield clean


def storable(text: str) -> str:
    """Text that every database takes: lone surrogates and NUL become U+FFFD."""
    if text.isascii() and "\x00" not in text:
        return text
    return text.encode("utf-8", "surrogatepass").decode("utf-8", "replace").replace("\x00", "\ufffd")


def _text(value: object) -> str | None:
    return storable(value)[:_LONGEST_WORD] if isinstance(value, str) else None


def _number(value: object) -> float | None:
    """A finite number, also when it was sent as text."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        return _float(value)
    except (ValueError, OverflowError):
        return None


def _integer(digits: str) -> int | str:
    """An integer as long as a database column can hold it; a longer one stays text."""
    number = int(digits) if len(digits) <= _LONGEST_INTEGER else 0
    return number if digits == str(number) and abs(number) <= _LARGEST_INTEGER else digits


def _float(number: str | float) -> float | None:
    value = float(number)
    return value if math.isfinite(value) else None


def _not_a_number(_word: str) -> None:
    """NaN and Infinity are not JSON; a stray one must not cost the images."""


_reader = json.JSONDecoder(parse_int=_integer, parse_float=_float, parse_constant=_not_a_number)


def storable_mapping(value: Mapping[str, Any]) -> dict[str, Any]:
    """A JSON object with all its text storable and no number that JSON does not have."""
    return {storable(key): _value(member) for key, member in value.items()}


def _part(value: object) -> Mapping[str, Any] | None:
    """A JSON object made storable, as far as there is room: its long texts are cut, other large members left out."""
    if not isinstance(value, dict):
        return None
    kept: dict[str, Any] = {}
    room = _PART
    for key, member in value.items():
        short = member[:_LONGEST_TEXT] if isinstance(member, str) else member
        left = _room(short, _room(key, room))
        if left >= 0:
            kept[key], room = short, left
        elif room < 2 * _VALUE:
            break
    return storable_mapping(kept)


def _room(value: object, room: int) -> int:
    """What is left of `room` beside a value: less than nothing where it does not fit, and the rest is not looked at."""
    room -= _VALUE + (len(value) if isinstance(value, str) else 0)
    if isinstance(value, (dict, list)):
        for member in chain.from_iterable(value.items()) if isinstance(value, dict) else value:
            if room < 0:
                break
            room = _room(member, room)
    return room


def _value(value: Any) -> Any:
    """A JSON value made storable, member by member."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, list):
        return [_value(item) for item in value]
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > _LARGEST_INTEGER:
        return str(value) if value.bit_length() < _MOST_BITS else None
    return storable_mapping(value) if isinstance(value, dict) else value
