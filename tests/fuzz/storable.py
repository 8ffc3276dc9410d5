"""Whether a value can be kept by any database and sent to anybody: UTF-8, without NUL, and JSON's own numbers only."""

import json
from dataclasses import asdict, is_dataclass
from typing import Any

LARGEST_INTEGER = 2**63 - 1


def must_be_storable(value: Any) -> None:
    """Raises AssertionError or UnicodeEncodeError where it is not."""
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    json.dumps(value, allow_nan=False, default=str)
    for one in _leaves(value):
        if isinstance(one, str):
            one.encode()
            assert "\0" not in one, repr(one)
        if isinstance(one, int):
            assert abs(one) <= LARGEST_INTEGER, one


def _leaves(value: Any) -> list[Any]:
    """All keys and values, however deep."""
    found, waiting = [], [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            waiting += [*one.keys(), *one.values()]
        elif isinstance(one, (list, tuple, set, frozenset)):
            waiting += one
        else:
            found.append(one)
    return found
