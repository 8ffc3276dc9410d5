"""The few colours that an image is made of. Pure.

Pixels are divided in two again and again, each time where they differ most, at the mean of the channel in which they
do; what is left undivided is near enough to one colour.
"""

from collections.abc import Sequence
from dataclasses import dataclass

Colour = tuple[int, ...]

NEAR_ENOUGH = 12.0
"""Standard deviation, in steps of 255, of a channel up to which pixels are one colour."""


@dataclass(frozen=True, slots=True)
class _Group:
    """Pixels that are told as one; `spread` is their variance in the `channel` where it is greatest."""

    pixels: Sequence[Colour]
    mean: tuple[float, ...]
    channel: int
    spread: float


def average(pixels: Sequence[Colour]) -> Colour:
    """The mean of at least one pixel."""
    return tuple(round(value) for value in _group(pixels).mean)


def dominant(pixels: Sequence[Colour], most: int) -> list[tuple[Colour, float]]:
    """At most so many colours with their shares of all pixels, the greatest first."""
    groups = [_group(pixels)] if pixels else []
    while 0 < len(groups) < most:
        widest = max(groups, key=lambda group: group.spread * len(group.pixels))
        if widest.spread <= NEAR_ENOUGH**2:
            break
        at, mean = widest.channel, widest.mean[widest.channel]
        groups.remove(widest)
        groups.append(_group([pixel for pixel in widest.pixels if pixel[at] > mean]))
        groups.append(_group([pixel for pixel in widest.pixels if pixel[at] <= mean]))
    found = [(tuple(map(round, group.mean)), round(len(group.pixels) / len(pixels), 3)) for group in groups]
    return sorted(found, key=lambda one: (-one[1], one[0]))


def _group(pixels: Sequence[Colour]) -> _Group:
    channels = list(zip(*pixels, strict=True))
    mean = tuple(sum(values) / len(pixels) for values in channels)
    spreads = [
        sum(value * value for value in values) / len(pixels) - middle * middle
        for values, middle in zip(channels, mean, strict=True)
    ]
    channel = max(range(len(spreads)), key=spreads.__getitem__)
    return _Group(pixels, mean, channel, spreads[channel])
