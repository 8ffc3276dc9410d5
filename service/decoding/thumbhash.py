"""ThumbHash: a blurred picture in about 25 bytes, with its proportions and its alpha, for places that wait. Pure.

The format is Evan Wallace's (https://github.com/evanw/thumbhash), and any of its decoders shows what is made here.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from math import floor

from service.decoding.cosines import transform

LONGEST_SIDE = 32
"""Pixels; the format allows 100, and keeps seven waves of them."""

Pixel = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Channel:
    """A constant, the scale of what varies, and what varies, each from 0 to 1."""

    constant: float
    scale: float
    varying: list[float]


def thumbhash(width: int, height: int, pixels: Sequence[Pixel]) -> str:
    """The hash of RGBA pixels (0 to 255, not premultiplied, by row) in base64."""
    alphas = [pixel[3] / 255 for pixel in pixels]
    visible = sum(alphas)
    has_alpha = visible < width * height
    mean = [sum(pixel[at] * pixel[3] for pixel in pixels) / 65025 / (visible or 1.0) for at in range(3)]
    reds, greens, blues = (
        [mean[at] * (1 - alpha) + pixel[at] * alpha / 255 for pixel, alpha in zip(pixels, alphas, strict=True)]
        for at in range(3)
    )
    light = [(red + green + blue) / 3 for red, green, blue in zip(reds, greens, blues, strict=True)]
    yellow = [(red + green) / 2 - blue for red, green, blue in zip(reds, greens, blues, strict=True)]
    red = [one - other for one, other in zip(reds, greens, strict=True)]
    limit = 5 if has_alpha else 7
    across, down = (max(1, _round(limit * side / max(width, height))) for side in (width, height))
    channels = [_channel(light, width, height, max(3, across), max(3, down))]
    channels += [_channel(one, width, height, 3, 3) for one in (yellow, red)]
    if has_alpha:
        channels.append(_channel(alphas, width, height, 5, 5))
    waves = down if width > height else across
    return base64.b64encode(_packed(channels, waves, wide=width > height)).decode()


def _channel(values: Sequence[float], width: int, height: int, across: int, down: int) -> _Channel:
    """The waves of the lower left triangle; the constant first."""
    rows = transform(values, width, height, across, down)
    flat = [value for y, row in enumerate(rows) for x, value in enumerate(row) if x * down < across * (down - y)]
    scale = max(map(abs, flat[1:]), default=0.0)
    varying = [0.5 + 0.5 / scale * value for value in flat[1:]] if scale else flat[1:]
    return _Channel(flat[0], scale, varying)


def _packed(channels: Sequence[_Channel], waves: int, *, wide: bool) -> bytes:
    """Constants and scales in a header, then four bits for each wave."""
    light, yellow, red, *rest = channels
    head = _round(63 * light.constant) | _round(31.5 + 31.5 * yellow.constant) << 6
    head |= _round(31.5 + 31.5 * red.constant) << 12 | _round(31 * light.scale) << 18 | bool(rest) << 23
    more = waves | _round(63 * yellow.scale) << 3 | _round(63 * red.scale) << 9 | wide << 15
    packed = head.to_bytes(3, "little") + more.to_bytes(2, "little")
    packed += b"".join(bytes([_round(15 * one.constant) | _round(15 * one.scale) << 4]) for one in rest)
    nibbles = [_round(15 * value) for channel in channels for value in channel.varying]
    nibbles += [0] * (len(nibbles) % 2)
    return packed + bytes(low | high << 4 for low, high in zip(nibbles[::2], nibbles[1::2], strict=True))


def _round(value: float) -> int:
    """To the nearest whole number, and up from a half, as the format's decoders expect."""
    return floor(value + 0.5)
