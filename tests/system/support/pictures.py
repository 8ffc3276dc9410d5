"""Real images made on the spot: noise, so that each is different and does not compress to nothing."""

import hashlib
import io
import random
from dataclasses import dataclass
from typing import Literal

from PIL import Image

Format = Literal["PNG", "JPEG", "WEBP"]

EXTENSION = {"PNG": "png", "JPEG": "jpg", "WEBP": "webp"}


@dataclass(frozen=True, slots=True)
class Picture:
    """An image file; `side` in pixels, it is square."""

    body: bytes
    format: Format
    side: int

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.body).hexdigest()

    @property
    def extension(self) -> str:
        return EXTENSION[self.format]

    @property
    def media_type(self) -> str:
        return f"image/{self.format.lower()}"


def a_picture(seed: object, *, format: Format = "PNG", side: int = 48) -> Picture:
    """The picture that belongs to a seed; the same seed gives the same bytes."""
    noise = random.Random(str(seed)).randbytes(3 * side * side)
    file = io.BytesIO()
    Image.frombytes("RGB", (side, side), noise).save(file, format, lossless=True)
    return Picture(file.getvalue(), format, side)
