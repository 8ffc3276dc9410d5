"""Which sizes may be asked for, and how large an image each comes to. Pure; it must not know prices.

Source: the provider's API page.
"""

import math
import re
from enum import StrEnum

AUTO = "auto"
RATIOS = ("1:1", "1:2", "2:1", "1:3", "3:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "9:21", "21:9")
STEP = 16
LONGEST_EDGE = 3840
FEWEST_PIXELS, MOST_PIXELS = 655_360, 8_294_400
MOST_ELONGATED = 3
_EXPLICIT = re.compile("([1-9][0-9]{1,4})[xX\u00d7]([1-9][0-9]{1,4})")  # the sign may be a true one


class Resolution(StrEnum):
    """What a ratio is drawn at; also a price tier."""

    ONE_K = "1K"
    TWO_K = "2K"
    FOUR_K = "4K"


_PIXELS = {Resolution.ONE_K: 1_048_576, Resolution.TWO_K: 4_194_304, Resolution.FOUR_K: MOST_PIXELS}


def size_problem(size: str) -> str | None:
    """The rule that a size breaks, as what it must be, or None when it is good."""
    if size == AUTO or size in RATIOS:
        return None
    edges = explicit(size)
    if edges is None:
        return f"must be {AUTO}, WxH in pixels, or one of {' '.join(RATIOS)}"
    if any(edge % STEP for edge in edges):
        return f"must have edges that are multiples of {STEP}"
    if max(edges) > LONGEST_EDGE:
        return f"must have no edge longer than {LONGEST_EDGE} pixels"
    if max(edges) > MOST_ELONGATED * min(edges):
        return f"must not exceed an aspect ratio of {MOST_ELONGATED}:1"
    if not FEWEST_PIXELS <= math.prod(edges) <= MOST_PIXELS:
        return f"must have {FEWEST_PIXELS} to {MOST_PIXELS} pixels"
    return None


def explicit(size: str) -> tuple[int, int] | None:
    """Width and height of a `WxH` size; None when it is not one."""
    match = _EXPLICIT.fullmatch(size)
    return (int(match[1]), int(match[2])) if match else None


def edges(size: str, resolution: Resolution) -> tuple[int, int]:
    """Width and height of a good size; `auto` counts as a square at 1K, whatever the model makes of it."""
    if size == AUTO:
        return at_ratio("1:1", Resolution.ONE_K)
    return explicit(size) or at_ratio(size, resolution)


def at_ratio(ratio: str, resolution: Resolution) -> tuple[int, int]:
    """Width and height near the resolution's number of pixels, in multiples of 16, no edge too long."""
    across, down = (int(part) for part in ratio.split(":"))
    unit = min(math.sqrt(_PIXELS[resolution] / (across * down)), LONGEST_EDGE / max(across, down))
    return int(across * unit + 1e-6) // STEP * STEP, int(down * unit + 1e-6) // STEP * STEP
