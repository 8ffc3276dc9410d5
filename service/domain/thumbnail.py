"""Thumbnails: their sizes, and their names in the store, which follow from the image and can be read back.

They can be made again at any time, so they are never copied, never rebuilt from, and never counted.
"""

import re

from service.domain.place import Place, place_of

SIZES = (256, 512, 1024)
"""Pixels of the longer edge, at most: what is smaller stays as it is."""

USUAL_SIZE = 512

FOLDER = "thumbnails"

RECIPE = 1
"""Counted up when thumbnails come out differently, so that the old ones are not used any more."""

_NAME = re.compile(rf"{FOLDER}/(?P<image>.+)-\d{{2,5}}-v\d{{1,4}}\.webp", re.ASCII)


def thumbnail_key(object_key: str, size: int) -> str:
    """Where the thumbnail of an archived image lies; `size` is one of SIZES."""
    return f"{FOLDER}/{object_key.rpartition('.')[0]}-{size}-v{RECIPE}.webp"


def thumbnails_of(folder: str, index: int) -> str:
    """What the names of all thumbnails of a task's image begin with, of whatever bytes, size and recipe."""
    return f"{FOLDER}/{folder}/{index}-"


def pictured(key: str) -> Place | None:
    """The place of the image that a thumbnail shows, without its extension; None for what is no thumbnail."""
    found = _NAME.fullmatch(key)
    place = place_of(f"{found['image']}.webp") if found else None
    return place if place is not None and place.index is not None else None
