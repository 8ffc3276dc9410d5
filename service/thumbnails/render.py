"""Bytes → a thumbnail, with libvips. Only worker processes import it: a hostile image may take its process down.

Pixels are streamed, so memory does not grow with the image where its format allows that.
"""

from collections.abc import Callable

import pyvips  # type: ignore[import-untyped]

from service.thumbnails.label import label
from service.thumbnails.verdict import Unusable

MOST_PIXELS = 100_000_000
"""The archive takes 50 million by default; the process's memory limit is what bounds the work."""

QUALITY = 80
EFFORT = 4
"""Of 0 to 6: a seventh smaller than 0 for a sixth more time; above 4 nothing more is gained."""

_WHOLE_ONLY = "[fail_on=error]"
"""For the reader: its picture must not be half grey. The call's own `fail_on` does not reach it in libvips 8.18."""

_READERS = ("VipsForeignLoadPng", "VipsForeignLoadJpeg", "VipsForeignLoadWebp")

Read = Callable[[int], bytes | memoryview]
"""Gives at most so many bytes of the image; none at its end."""


def prepare() -> None:
    """Forget all readers but those of the three formats that the archive holds, and keep nothing between images."""
    pyvips.operation_block_set("VipsForeignLoad", True)
    for reader in _READERS:
        pyvips.operation_block_set(reader, False)
    pyvips.cache_set_max(0)


def render(read: Read, *, size: int, sha256: str) -> bytes | Unusable:
    """A WebP in sRGB, upright, with its alpha, no longer than `size` pixels and not enlarged, or why there is none.

    Nothing of the original's metadata is taken over; what is in it says that it is derived from those bytes.
    """
    source = pyvips.SourceCustom()
    source.on_read(read)
    try:
        if _pixels(source) > MOST_PIXELS:
            return Unusable.TOO_LARGE
        small = pyvips.Image.thumbnail_source(
            source, size, height=size, size="down", output_profile="srgb", option_string=_WHOLE_ONLY
        )
        labelled = small.copy()
        labelled.set_type(pyvips.GValue.blob_type, "xmp-data", label(sha256))
        made = labelled.webpsave_buffer(Q=QUALITY, effort=EFFORT, keep="xmp")
    except pyvips.Error as error:
        return Unusable.TOO_LARGE if "out of memory" in str(error) else Unusable.CORRUPT
    return bytes(made)


def _pixels(source: pyvips.Source) -> int:
    """As the header has it, and no reader is left open."""
    header = pyvips.Image.new_from_source(source, "", access="sequential")
    return int(header.width * header.height)
