"""What an archived image is: its format and its size in pixels. Recognising one is `archive.image_type`'s work."""

from dataclasses import dataclass
from enum import StrEnum


class ImageFormat(StrEnum):
    """The formats that the provider delivers; the value is also the file extension."""

    PNG = "png"
    JPEG = "jpeg"
    WEBP = "webp"

    @property
    def media_type(self) -> str:
        return f"image/{self.value}"


@dataclass(frozen=True, slots=True)
class Image:
    """An image as its own bytes describe it; width and height in pixels."""

    format: ImageFormat
    width: int
    height: int
