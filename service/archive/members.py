"""Typed access to the members of JSON objects that somebody else may have written. Pure; nothing is guessed.

A member that is missing counts as null. Text comes out storable: a lone surrogate or NUL, which no database takes,
becomes U+FFFD.
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import Enum
from typing import Any, TypeVar

E = TypeVar("E", bound=Enum)
T = TypeVar("T")

LARGEST = 2**31 - 1
"""Of whole numbers, unless more is asked for: what every database's integer holds."""

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_TOKEN = re.compile(r'"(?>[^"\\]++|\\.)*+"|[][{}:,]|[^][{}:,"\s]++', re.DOTALL)


class MemberError(ValueError):
    """A member is not what it has to be; the message names it."""


@dataclass(frozen=True, slots=True)
class Members:
    """The members of one object; `path` names it in messages. Methods raise MemberError."""

    path: str
    values: Mapping[str, Any]

    def text(self, name: str) -> str:
        return self._required(name, self.text_or_none(name), "a text")

    def text_or_none(self, name: str) -> str | None:
        value = self._value(name, (str,), "a text")
        return storable(value) if value is not None else None

    def texts(self, name: str) -> tuple[str, ...]:
        return tuple(storable(one) for one in self._each(name, str, "a list of texts"))

    def wholes(self, name: str) -> tuple[int, ...]:
        return tuple(one for one in self._each(name, int, "a list of numbers") if not isinstance(one, bool))

    def whole(self, name: str, default: int | None = None, *, largest: int = LARGEST) -> int:
        """A number from 0 to `largest`."""
        value: int | None = self._value(name, (int,), "a whole number")
        if isinstance(value, bool) or (value is not None and not 0 <= value <= largest):
            raise self._wrong(name, f"a whole number up to {largest}")
        return self._required(name, default if value is None else value, "a whole number")

    def flag(self, name: str) -> bool:
        """True or false; false when it is missing."""
        return self._value(name, (bool,), "true or false") or False

    def choice(self, name: str, among: type[E]) -> E:
        return self._required(name, self.choice_or_none(name, among), "a word")

    def choice_or_none(self, name: str, among: type[E]) -> E | None:
        """The member of an enumeration that has this value."""
        value = self.values.get(name)
        if value is None:
            return None
        known = {member.value: member for member in among}
        if isinstance(value, (bool, list, dict)) or value not in known:
            raise self._wrong(name, "a word that this version knows; was it written by a newer one?")
        return known[value]

    def time(self, name: str) -> datetime:
        return self._required(name, self.time_or_none(name), "a time")

    def time_or_none(self, name: str) -> datetime | None:
        text = self.text_or_none(name)
        if text is None:
            return None
        try:
            at = datetime.fromisoformat(text)
            if at.tzinfo is not None:
                return at.astimezone(UTC)
        except (ValueError, OverflowError):
            pass
        raise self._wrong(name, "a time with its offset (RFC 3339)")

    def day(self, name: str) -> date:
        try:
            return date.fromisoformat(self.text(name))
        except ValueError:
            raise self._wrong(name, "a date") from None

    def mapping_or_none(self, name: str) -> dict[str, Any] | None:
        value = self._value(name, (dict,), "an object")
        return {storable(key): _mended(member) for key, member in value.items()} if value is not None else None

    def inner(self, name: str) -> "Members":
        """The object that a member is; one without members when it is missing."""
        return Members(f"{self.path}{name}.", self._value(name, (dict,), "an object") or {})

    def items(self, name: str) -> list["Members"]:
        """The objects that a list holds; none when it is missing."""
        objects = self._each(name, dict, "a list of objects")
        return [Members(f"{self.path}{name}[{number}].", one) for number, one in enumerate(objects)]

    def _each(self, name: str, kind: type[Any], takes: str) -> list[Any]:
        values = self._value(name, (list,), takes) or []
        if not all(isinstance(one, kind) for one in values):
            raise self._wrong(name, takes)
        return list(values)

    def _value(self, name: str, kinds: tuple[type[Any], ...], takes: str) -> Any:
        value = self.values.get(name)
        if value is not None and not isinstance(value, kinds):
            raise self._wrong(name, takes)
        return value

    def _required(self, name: str, value: T | None, takes: str) -> T:
        if value is None:
            raise self._wrong(name, takes)
        return value

    def _wrong(self, name: str, takes: str) -> MemberError:
        return MemberError(f"{self.path}{name} is not {takes}")


def raw_members(text: str) -> dict[str, str]:
    """The members of the object that a text is, each as its own text, however deep it is nested.

    Only the outermost object is understood here; raises ValueError when it is none, or not whole.
    """
    found: dict[str, str] = {}
    depth, name, start, end = 0, None, None, 0
    for token in _TOKEN.finditer(text):
        word, end = token.group(), token.end()
        depth += (word in "{[") - (word in "}]")
        if depth == 1 and word == ":" and start is None:
            start = end
        elif (depth == 1 and word == ",") or depth == 0:
            if name is not None and start is not None:
                found[name] = text[start : token.start()].strip()
            name = start = None
        elif depth == 1 and start is None and word[0] == '"':
            name = json.loads(word)
        if depth == 0:
            break
    if depth or not text.lstrip().startswith("{") or text[end:].strip():
        raise ValueError("not one whole JSON object")
    return found


def strict_json(text: str) -> Any:
    """A JSON document; raises ValueError for NaN and Infinity, which are none, and RecursionError."""
    return json.loads(text, parse_constant=_refuse)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def storable(text: str) -> str:
    """Text that every database takes."""
    return _UNSTORABLE.sub("\ufffd", text)


def _mended(value: Any) -> Any:
    """A JSON value that every database takes."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, list):
        return [_mended(one) for one in value]
    if isinstance(value, dict):
        return {storable(key): _mended(one) for key, one in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
