"""Reads the JSON of a request more strictly than `json` does: what others could read differently is refused. Pure."""

import json
import math
from collections.abc import Iterator
from typing import Any, NoReturn

from service.submission.request import INVALID_BODY, Wrong

DEEPEST = 64
"""Levels of nesting; far more than the provider documents, and far less than what makes a reader give up."""

MOST_DIGITS = 20
"""Of a whole number; enough for 64 bits."""

_SHOWN = 40


class _RefusedError(Exception):
    """Something that is JSON, or nearly, and not taken."""


def read_document(body: bytes) -> dict[str, Any] | Wrong:
    """The JSON object that a body is, or why it is none; never an exception."""
    try:
        document = json.loads(
            body.decode("utf-8-sig"),
            object_pairs_hook=_members,
            parse_int=_integer,
            parse_float=_float,
            parse_constant=_constant,
        )
    except UnicodeDecodeError as error:
        return _wrong(f"it is not UTF-8 at byte {error.start}")
    except json.JSONDecodeError as error:
        return _wrong(f"{error.msg} at line {error.lineno}, column {error.colno}")
    except _RefusedError as error:
        return _wrong(str(error))
    except RecursionError:
        return _too_deep()
    if not isinstance(document, dict):
        return Wrong(None, INVALID_BODY, "The body is not a JSON object.")
    return _too_deep() if _deeper(document, DEEPEST) else document


def shown(value: object) -> str:
    """A JSON value for a message: in full where that is short, in ASCII."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    text = json.dumps(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for name, value in pairs:
        if name in members:
            raise _RefusedError(f"{shown(name)} stands twice in one object")
        members[name] = value
    return members


def _integer(digits: str) -> int:
    if len(digits.lstrip("-")) > MOST_DIGITS:
        raise _RefusedError(f"a number in it has more than {MOST_DIGITS} digits")
    return int(digits)


def _float(text: str) -> float:
    if not math.isfinite(number := float(text)):
        raise _RefusedError("a number in it is too large")
    return number


def _constant(word: str) -> NoReturn:
    raise _RefusedError(f"{word} is no JSON")


def _deeper(document: object, levels: int) -> bool:
    """Whether values are nested deeper than this, counted level by level, so that no depth is too much for us."""
    level = [document]
    for _ in range(levels):
        level = [child for value in level for child in _children(value)]
    return any(isinstance(value, dict | list) for value in level)


def _children(value: object) -> Iterator[object]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _wrong(why: str) -> Wrong:
    return Wrong(None, INVALID_BODY, f"The body is not valid JSON: {why}.")


def _too_deep() -> Wrong:
    return Wrong(None, INVALID_BODY, f"The body is nested more than {DEEPEST} levels deep.")
