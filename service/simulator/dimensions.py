"""How large an image is for a size and resolution, and which price tier that is. Pure.

Source: the provider's API page.
"""

import math
import re
from enum import StrEnum

RATIOS = ["1:1", "1:2", "2:1", "1:3", "3:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "9:21", "21:9"]
AUTO = "auto"
AUTO_SIZES = ((1024, 1024), (1536, 1024), (1024, 1536))
"""What `auto` may come to; all are billed as 1K."""

STEP = 16
LONGEST_EDGE = 3840
FEWEST_PIXELS, MOST_PIXELS = 655_360, 8_294_400
MOST_ELONGATED = 3
_EXPLICIT = re.compile(r"([1-9][0-9]{1,4})[xX]([1-9][0-9]{1,4})")


class Resolution(StrEnum):
    """A price tier; also what a ratio is drawn at."""

    ONE_K = "1K"
    TWO_K = "2K"
    FOUR_K = "4K"


_PIXELS = {Resolution.ONE_K: 1_048_576, Resolution.TWO_K: 4_194_304, Resolution.FOUR_K: MOST_PIXELS}


def explicit(size: str) -> tuple[int, int] | None:
    """Width and height of a `WxH` size; None when it is not one."""
    match = _EXPLICIT.fullmatch(size)
    return (int(match[1]), int(match[2])) if match else None


def size_problem(size: str) -> str | None:
    """Why a size is refused, or None when it is good."""
    if size == AUTO or size in RATIOS:
        return None
    edges = explicit(size)
    if edges is None:
        return f"size must be auto, WxH, or one of {' '.join(RATIOS)}"
    if any(edge % STEP for edge in edges):
        return f"width and height must be multiples of {STEP}"
    if max(edges) > LONGEST_EDGE:
        return f"no edge may be longer than {LONGEST_EDGE} pixels"
    if max(edges) > MOST_ELONGATED * min(edges):
        return f"the aspect ratio must not exceed {MOST_ELONGATED}:1"
    if not FEWEST_PIXELS <= math.prod(edges) <= MOST_PIXELS:
        return f"an image has {FEWEST_PIXELS} to {MOST_PIXELS} pixels"
    return None


def at_ratio(ratio: str, resolution: Resolution) -> tuple[int, int]:
    """Width and height near the resolution's number of pixels, in multiples of 16, no edge too long."""
    across, down = (int(part) for part in ratio.split(":"))
    unit = min(math.sqrt(_PIXELS[resolution] / (across * down)), LONGEST_EDGE / max(across, down))
    return int(across * unit + 1e-6) // STEP * STEP, int(down * unit + 1e-6) // STEP * STEP


def tier(width: int, height: int) -> Resolution:
    """The tier that a size is billed as."""
    pixels = width * height
    if pixels <= 1_700_000:
        return Resolution.ONE_K
    return Resolution.TWO_K if pixels <= 4_400_000 else Resolution.FOUR_K
