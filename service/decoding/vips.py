"""libvips as worker processes use it: three formats, nothing kept, and its complaints as verdicts.

Only worker processes import it: a hostile image may take its process down.
"""

from collections.abc import Callable

import pyvips  # type: ignore[import-untyped]

from service.decoding.verdict import Unusable

MOST_PIXELS = 100_000_000
"""The archive takes 50 million by default; the process's memory limit is what bounds the work."""

WHOLE_ONLY = "[fail_on=error]"
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


def judged(header: Callable[[], pyvips.Image], work: Callable[[], bytes]) -> bytes | Unusable:
    """What the work comes to, or why nothing; it is not begun for more pixels than are decoded."""
    try:
        if _pixels(header) > MOST_PIXELS:
            return Unusable.TOO_LARGE
        return work()
    except pyvips.Error as error:
        return Unusable.TOO_LARGE if "out of memory" in str(error) else Unusable.CORRUPT
    except MemoryError:
        return Unusable.TOO_LARGE


def _pixels(header: Callable[[], pyvips.Image]) -> int:
    """By the header, and no reader is left open."""
    image = header()
    return int(image.width * image.height)
