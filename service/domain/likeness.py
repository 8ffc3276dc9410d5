"""Which images look alike: perceptual hashes of 64 bits, compared bit by bit and found by quarters. Pure.

Two hashes that differ in at most `distance` bits have a quarter in which they differ in at most a fourth of that. So
whoever looks for every value of a quarter that is that near finds all of them, and few others.
"""

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any

QUARTERS = 4
BITS = 16
"""Of a quarter."""

MOST_APART = 16
"""Bits; beyond that nothing is alike, and the values to look for become too many."""

Quarters = tuple[int, int, int, int]


def quarters(hashed: str) -> Quarters | None:
    """A hash of 16 hexadecimal digits as four numbers; None when it is none."""
    if len(hashed) != QUARTERS * BITS // 4 or not set(hashed) <= set("0123456789abcdef"):
        return None
    first, second, third, fourth = (int(hashed[at : at + 4], 16) for at in range(0, 16, 4))
    return first, second, third, fourth


def quarters_of(details: Mapping[str, Any] | None) -> Quarters | None:
    """Those of an image's details, where its pixels were looked at."""
    pixels = details.get("pixels") if details else None
    hashed = pixels.get("perceptual_hash") if isinstance(pixels, Mapping) else None
    return quarters(hashed) if isinstance(hashed, str) else None


def apart(one: Quarters, other: Quarters) -> int:
    """The number of bits in which two hashes differ."""
    return sum((mine ^ theirs).bit_count() for mine, theirs in zip(one, other, strict=True))


def near(quarter: int, distance: int) -> Iterator[int]:
    """Every value of a quarter in which hashes at most `distance` bits apart may have one like this."""
    for changed in range(distance // QUARTERS + 1):
        for bits in combinations(range(BITS), changed):
            yield quarter ^ sum(1 << bit for bit in bits)
