"""Bytes → what an image's pixels tell: a perceptual hash, its colours, a placeholder, whether anything shows through.

Only worker processes import it: a hostile image may take its process down.
"""

from functools import partial

import pyvips  # type: ignore[import-untyped]

from service.decoding.palette import average, dominant
from service.decoding.perceptual_hash import SIDE, perceptual_hash
from service.decoding.seen import COLOURS, Seen, Share, hexadecimal, seen_json
from service.decoding.thumbhash import LONGEST_SIDE, Pixel, thumbhash
from service.decoding.verdict import Unusable
from service.decoding.vips import WHOLE_ONLY, Read, judged

WEBP_PIXELS = 12_000_000
"""Of a WebP that is decoded at its full size, which takes 16 bytes of memory for each; beyond, the small one counts."""

_SMALL = 256
_SAMPLED = 64
_OPAQUE = 128
_BLOCK = 2**20


def look(read: Read) -> bytes | Unusable:
    """What is seen of the first frame, as it is shown (upright, in sRGB), or why nothing is.

    The encoded bytes are held, as those with alpha are decoded twice.
    """
    data = b"".join(iter(partial(read, _BLOCK), b""))
    header = partial(pyvips.Image.new_from_buffer, data, "", access="sequential")
    return judged(header, partial(_looked, data))


def _looked(data: bytes) -> bytes:
    small = pyvips.Image.thumbnail_buffer(
        data, _SMALL, height=_SMALL, size="down", output_profile="srgb", option_string=WHOLE_ONLY
    ).colourspace("srgb")
    small = (small if small.hasalpha() else small.addalpha()).cast("uchar").copy_memory()
    sample = [pixel[:3] for pixel in _pixels(_sampled(small)) if pixel[3] >= _OPAQUE]
    shares = tuple(Share(hexadecimal(colour), share) for colour, share in dominant(sample, COLOURS))
    tiny = _within(small, LONGEST_SIDE)
    seen = Seen(
        perceptual_hash=perceptual_hash(_grey(small)),
        dominant=shares,
        average=hexadecimal(average(sample)) if sample else None,
        placeholder=thumbhash(tiny.width, tiny.height, _pixels(tiny)),
        transparent=_shows_through(data, small),
    )
    return seen_json(seen)


def _shows_through(data: bytes, small: pyvips.Image) -> bool:
    """Whether any pixel of the whole image is not opaque: in a smaller one a single one is lost."""
    image = pyvips.Image.new_from_buffer(data, WHOLE_ONLY, access="sequential")
    if not image.hasalpha():
        return False
    if image.get("vips-loader").startswith("webp") and image.width * image.height > WEBP_PIXELS:
        image = small
    return bool(image[image.bands - 1].min() < (65535 if image.format == "ushort" else 255))


def _grey(small: pyvips.Image) -> list[int]:
    """On white, where something shows through."""
    grey = small.flatten(background=[255, 255, 255]).colourspace("b-w")
    return list(bytes(grey.thumbnail_image(SIDE, height=SIDE, size="force").cast("uchar").write_to_memory()))


def _within(small: pyvips.Image, longest: int) -> pyvips.Image:
    return small.thumbnail_image(longest, height=longest, size="down").cast("uchar")


def _sampled(small: pyvips.Image) -> pyvips.Image:
    """Every so many pixels, as they are: a mixture of two colours would be a third."""
    across, down = (max(1, -(-side // _SAMPLED)) for side in (small.width, small.height))
    return small.subsample(across, down)


def _pixels(image: pyvips.Image) -> list[Pixel]:
    raw = bytes(image.write_to_memory())
    return [tuple(raw[at : at + 4]) for at in range(0, len(raw), 4)]
