"""What was seen of an image's pixels, as it comes from a worker process. Pure.

That process has read a stranger's bytes, so nothing that it says is taken over unless it looks as it must.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

COLOURS = 5
"""Dominant colours, at most."""

_LONGEST = 4096
_HASH = re.compile("[0-9a-f]{16}")
_COLOUR = re.compile("#[0-9a-f]{6}")
_PLACEHOLDER = re.compile("[A-Za-z0-9+/]{8,60}={0,2}")


@dataclass(frozen=True, slots=True)
class Share:
    """A colour (`#rrggbb`), and the share from 0 to 1 of the pixels that have it, or nearly."""

    colour: str
    share: float


@dataclass(frozen=True, slots=True)
class Seen:
    """`average` and `dominant` are of what is opaque; `placeholder` is a ThumbHash in base64."""

    perceptual_hash: str
    dominant: tuple[Share, ...]
    average: str | None
    placeholder: str
    transparent: bool


def hexadecimal(colour: Sequence[int]) -> str:
    return "#" + bytes(colour).hex()


def seen_json(seen: Seen) -> bytes:
    return json.dumps(asdict(seen)).encode("ascii")


def read_seen(data: bytes) -> Seen | None:
    """What the process says; None where it is not as it must be."""
    if len(data) > _LONGEST:
        return None
    try:
        told = json.loads(data)
        shares = tuple(Share(str(one["colour"]), float(one["share"])) for one in told["dominant"])
        seen = Seen(**{**told, "dominant": shares})
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None
    return seen if _is_sound(seen) else None


def _is_sound(seen: Seen) -> bool:
    colours = [share.colour for share in seen.dominant] + ([] if seen.average is None else [seen.average])
    return (
        len(seen.dominant) <= COLOURS
        and all(0 <= share.share <= 1 for share in seen.dominant)
        and all(_matches(_COLOUR, colour) for colour in colours)
        and _matches(_HASH, seen.perceptual_hash)
        and _matches(_PLACEHOLDER, seen.placeholder)
        and isinstance(seen.transparent, bool)
    )


def _matches(pattern: re.Pattern[str], value: Any) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None
