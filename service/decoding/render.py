"""Bytes → a thumbnail. Only worker processes import it: a hostile image may take its process down.

Pixels are streamed, so memory does not grow with the image where its format allows that.
"""

from functools import partial

import pyvips  # type: ignore[import-untyped]

from service.decoding.label import label
from service.decoding.verdict import Unusable
from service.decoding.vips import WHOLE_ONLY, Read, judged

QUALITY = 80
EFFORT = 4
"""Of 0 to 6: a seventh smaller than 0 for a sixth more time; above 4 nothing more is gained."""


def render(read: Read, *, size: int, sha256: str) -> bytes | Unusable:
    """A WebP in sRGB, upright, with its alpha, no longer than `size` pixels and not enlarged, or why there is none.

    Nothing of the original's metadata is taken over; what is in it says that it is derived from those bytes.
    """
    source = pyvips.SourceCustom()
    source.on_read(read)
    header = partial(pyvips.Image.new_from_source, source, "", access="sequential")
    return judged(header, partial(_rendered, source, size, sha256))


def _rendered(source: pyvips.Source, size: int, sha256: str) -> bytes:
    small = pyvips.Image.thumbnail_source(
        source, size, height=size, size="down", output_profile="srgb", option_string=WHOLE_ONLY
    )
    labelled = small.copy()
    labelled.set_type(pyvips.GValue.blob_type, "xmp-data", label(sha256))
    return bytes(labelled.webpsave_buffer(Q=QUALITY, effort=EFFORT, keep="xmp"))
