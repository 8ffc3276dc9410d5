"""Range requests as pure functions (RFC 9110, section 14)."""

import re
from dataclasses import dataclass
from enum import Enum

_RANGES = re.compile(r"bytes=(?P<set>.*)", re.IGNORECASE | re.DOTALL)
_ONE_RANGE = re.compile(r"(\d{0,40})\s*-\s*(\d{0,40})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes `first` to `last`, both included."""

    first: int
    last: int

    @property
    def length(self) -> int:
        return self.last - self.first + 1


class Whole(Enum):
    """Not a part: all of it, or nothing because the range lies outside, or because there are several."""

    EVERYTHING = "everything"
    UNSATISFIABLE = "unsatisfiable"
    SEVERAL = "several"


def wanted(range_header: str | None, size: int) -> Part | Whole:
    """What a Range header asks of `size` bytes; other units and nonsense are ignored, as the RFC has it.

    Several ranges are refused, not ignored: whoever asks for a few bytes here and there is not sent all of them, and
    image viewers and downloads ask for one.
    """
    ranges = _RANGES.fullmatch((range_header or "").strip())
    if ranges is None:
        return Whole.EVERYTHING
    asked = [one.strip() for one in ranges["set"].split(",") if one.strip()]  # a list may have empty elements
    if len(asked) != 1:
        return Whole.SEVERAL if asked else Whole.EVERYTHING
    match = _ONE_RANGE.fullmatch(asked[0])
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
