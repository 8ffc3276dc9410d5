"""What a run of `copy` did, counted."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Copied:
    """`size` in bytes is that of the objects and sidecars that were written; the others were there with the same bytes.

    `mended` are those of them that were there with other bytes; `removed` were deleted in the source since; `strangers`
    are objects of the source that are not the archive's.
    """

    objects: int = 0
    size: int = 0
    there_already: int = 0
    mended: int = 0
    removed: int = 0
    strangers: int = 0
    rows: int = 0
    rows_seen: int = 0
    rows_verified: int = 0

    def __add__(self, more: "Copied") -> "Copied":
        names = Copied.__slots__
        return Copied(*(getattr(self, name) + getattr(more, name) for name in names))


Tell = Callable[[Copied], None]
