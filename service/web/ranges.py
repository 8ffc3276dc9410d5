"""Conditional and range requests as pure functions (RFC 9110, sections 13 and 14)."""

import re
from dataclasses import dataclass
from enum import Enum

_ONE_RANGE = re.compile(r"bytes=\s*(\d{0,18})\s*-\s*(\d{0,18})\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes `first` to `last`, both included."""

    first: int
    last: int

    @property
    def length(self) -> int:
        return self.last - self.first + 1


class Whole(Enum):
    """Not a part: all of it, or nothing because the range lies outside."""

    EVERYTHING = "everything"
    UNSATISFIABLE = "unsatisfiable"


def wanted(range_header: str | None, size: int) -> Part | Whole:
    """What a Range header asks of `size` bytes; several ranges and nonsense are ignored, as the RFC allows."""
    match = _ONE_RANGE.fullmatch(range_header or "")
    if match is None or match.group(1) == match.group(2) == "":
        return Whole.EVERYTHING
    first, last = match.groups()
    if first == "":
        suffix = int(last)
        return Part(max(0, size - suffix), size - 1) if suffix and size else Whole.UNSATISFIABLE
    if last != "" and int(last) < int(first):
        return Whole.EVERYTHING
    if int(first) >= size:
        return Whole.UNSATISFIABLE
    return Part(int(first), min(int(last), size - 1) if last else size - 1)


def not_modified(if_none_match: str | None, etag: str) -> bool:
    """Whether the caller has these bytes already (weak comparison, `*` matches)."""
    if if_none_match is None:
        return False
    given = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return "*" in given or etag in given


def range_applies(if_range: str | None, etag: str) -> bool:
    """Whether a Range counts: no If-Range, or one that names these very bytes."""
    return if_range is None or if_range.strip() == etag
