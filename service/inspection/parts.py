"""The parts that an image file consists of, in order: chunks of PNG and WebP, segments of JPEG. Pure; any bytes end.

Nothing is judged: the archive has seen to it that the file is whole. What is broken ends the walk, and what was found
before it counts.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from service.domain.image import ImageFormat

MOST_PARTS = 200_000
"""Parts walked; a hostile file shall not keep a thread busy."""

_JPEG_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})  # markers without a length
_JPEG_END, _JPEG_SCAN = 0xD9, 0xDA


@dataclass(frozen=True, slots=True)
class Part:
    """A chunk or segment: `name` as the format has it (`IHDR`, `APP1`, `VP8X`), where its content is, and its bytes."""

    name: str
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class ImageFile:
    """A seekable file of `size` bytes that is an image of a format."""

    file: BinaryIO
    size: int
    format: ImageFormat

    def read(self, part: Part, longest: int, start: int = 0) -> bytes:
        """Content of a part from `start` on, at most `longest` bytes of it; less where the file ends."""
        return self.at(part.offset + start, min(longest, part.length - start))

    def at(self, offset: int, length: int) -> bytes:
        self.file.seek(offset)
        return self.file.read(max(0, length))

    def parts(self) -> Iterator[Part]:
        match self.format:
            case ImageFormat.PNG:
                return self._png()
            case ImageFormat.JPEG:
                return self._jpeg()
            case ImageFormat.WEBP:
                return self._webp()

    def _png(self) -> Iterator[Part]:
        offset = 8
        for _ in range(MOST_PARTS):
            head = self.at(offset, 8)
            if len(head) < 8 or not head[4:].isalpha():
                return
            part = Part(head[4:].decode("latin-1"), offset + 8, int.from_bytes(head[:4]))
            yield part
            if part.name == "IEND":
                return
            offset += 12 + part.length

    def _jpeg(self) -> Iterator[Part]:
        """Segments up to the first scan: everything that describes the image comes before it."""
        offset = 2
        for _ in range(MOST_PARTS):
            head = self.at(offset, 4)
            if len(head) < 4 or head[0] != 0xFF:
                return
            marker = head[1]
            if marker == 0xFF or marker in _JPEG_ALONE:
                offset += 1 if marker == 0xFF else 2
                continue
            length = int.from_bytes(head[2:])
            if marker in (_JPEG_END, _JPEG_SCAN) or length < 2:
                return
            yield Part(_jpeg_name(marker), offset + 4, length - 2)
            offset += 2 + length

    def _webp(self) -> Iterator[Part]:
        offset = 12
        for _ in range(MOST_PARTS):
            head = self.at(offset, 8)
            if len(head) < 8:
                return
            part = Part(head[:4].decode("latin-1"), offset + 8, int.from_bytes(head[4:], "little"))
            yield part
            offset += 8 + part.length + part.length % 2


def _jpeg_name(marker: int) -> str:
    if 0xE0 <= marker <= 0xEF:
        return f"APP{marker - 0xE0}"
    if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
        return "SOF"
    return f"{marker:02X}"
