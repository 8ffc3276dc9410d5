"""The cosine transform of a small picture, which the perceptual hash and the placeholder are both made of. Pure."""

from collections.abc import Sequence
from functools import cache
from math import cos, pi


def transform(values: Sequence[float], width: int, height: int, across: int, down: int) -> list[list[float]]:
    """The lowest `down` rows of `across` coefficients (DCT-II), each a mean over all pixels; values go by row."""
    horizontal, vertical = _waves(width, across), _waves(height, down)
    rows = [values[start : start + width] for start in range(0, width * height, width)]
    narrowed = [[sum(map(float.__mul__, wave, row)) / width for wave in horizontal] for row in rows]
    columns = list(zip(*narrowed, strict=True))
    return [[sum(map(float.__mul__, wave, column)) / height for column in columns] for wave in vertical]


@cache  # pictures come in few sizes
def _waves(size: int, number: int) -> list[list[float]]:
    return [[cos(pi / size * wave * (at + 0.5)) for at in range(size)] for wave in range(number)]
