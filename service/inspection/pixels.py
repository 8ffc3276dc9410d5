"""What an image's pixels tell: a perceptual hash, its colours, a placeholder, and whether anything shows through.

It decodes bytes that a stranger has sent, so it runs in a process of its own (`pixel_process`), never in the service.
"""

from pathlib import Path
from typing import Any, cast

from PIL import Image

from service.inspection.perceptual_hash import SIDE, perceptual_hash
from service.inspection.thumbhash import LONGEST_SIDE, thumbhash

LARGEST = 12_000_000
"""Pixels of an image that is decoded; a 4K image has 8.3 million."""

COLOURS = 5
"""Dominant colours, at most."""

_SMALL = 256
_SAMPLED = 64
_OPAQUE = 128
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class TooLargeError(ValueError):
    """More pixels than are decoded."""


def look(path: Path) -> dict[str, Any]:
    """The members `perceptual_hash`, `dominant`, `average`, `placeholder` and `transparent` of the first frame.

    As it is shown: turned as its EXIF says. Raises whatever a decoder raises, and TooLargeError.
    """
    with Image.open(path, formats=("PNG", "JPEG", "WEBP")) as image:
        if image.width * image.height > LARGEST:
            raise TooLargeError(f"{image.width} x {image.height} pixels are more than the {LARGEST} that are decoded")
        turn = _TURNS.get(image.getexif().get(0x0112, 1))
        image.draft("RGB", (_SMALL, _SMALL))  # a JPEG is decoded at a fraction of its size
        image.load()
        small, transparent = _shrunk(image)
    if turn is not None:
        small = small.transpose(turn)
    return {
        "perceptual_hash": perceptual_hash(_grey(small)),
        **_colours(small),
        "placeholder": _placeholder(small),
        "transparent": transparent,
    }


def _shrunk(image: Image.Image) -> tuple[Image.Image, bool]:
    """The image in RGBA, at most 256 pixels wide and high, and whether any pixel of the whole one is not opaque."""
    if image.mode.startswith("I"):  # 16 bits a channel
        image = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    elif "transparency" in image.info or image.mode in ("P", "PA", "La", "RGBa"):
        image = image.convert("RGBA")
    transparent = False
    if image.mode in ("RGBA", "LA"):
        lowest, _ = cast("tuple[tuple[int, int], ...]", image.getextrema())[-1]
        transparent = lowest < 255
    elif image.mode not in ("RGB", "L"):
        image = image.convert("RGB")
    image.thumbnail((_SMALL, _SMALL), Image.Resampling.BOX if transparent else Image.Resampling.LANCZOS)
    return image.convert("RGBA"), transparent


def _grey(small: Image.Image) -> list[int]:
    """On white, where something shows through."""
    ground = Image.new("RGBA", small.size, "white")
    ground.alpha_composite(small)
    return list(ground.convert("L").resize((SIDE, SIDE), Image.Resampling.LANCZOS).tobytes())


def _colours(small: Image.Image) -> dict[str, Any]:
    """Dominant colours with their shares, and the average, of what is opaque; nothing where nothing is."""
    sample = small.resize((_SAMPLED, _SAMPLED), Image.Resampling.BOX)
    seen = [pixel[:3] for pixel in _pixels(sample) if pixel[3] >= _OPAQUE]
    if not seen:
        return {"dominant": [], "average": None}
    strip = Image.frombytes("RGB", (len(seen), 1), b"".join(map(bytes, seen)))
    palette = strip.quantize(COLOURS, Image.Quantize.MEDIANCUT, kmeans=2)
    counted = cast("list[tuple[int, int]]", palette.getcolors())
    values = palette.getpalette() or []
    dominant = [
        {"colour": _hex(tuple(values[3 * at : 3 * at + 3])), "share": round(count / len(seen), 3)}
        for count, at in sorted(counted, reverse=True)
    ]
    average = tuple(round(sum(pixel[at] for pixel in seen) / len(seen)) for at in range(3))
    return {"dominant": dominant, "average": _hex(average)}


def _placeholder(small: Image.Image) -> str:
    tiny = small.copy()
    tiny.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.BOX)
    return thumbhash(tiny.width, tiny.height, _pixels(tiny))


def _pixels(image: Image.Image) -> list[tuple[int, ...]]:
    raw = image.tobytes()
    return [tuple(raw[at : at + 4]) for at in range(0, len(raw), 4)]


def _hex(colour: tuple[int, ...]) -> str:
    return "#" + bytes(colour).hex()
