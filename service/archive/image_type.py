"""What bytes are: a whole PNG, JPEG or WebP and its size in pixels, or why not. Pure; it must not decode pixels.

Believed is the structure, never a name or a Content-Type: every part is walked from the first byte to the mark of the
end (PNG IEND, JPEG EOI, the length in the RIFF header), reading windows of the file and not the file. Bytes after that
mark are let pass in all three formats: second pictures, makers' trailers and padding are common behind a JPEG, decoders
ignore them (for WebP by RFC 9649 section 2.4), and the archive keeps what was sent. Provenance lies in parts of its own
before the end and is walked over.
"""

import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from service.domain.attempt import Failed, Failure
from service.domain.image import Image, ImageFormat

WINDOW = 256 * 1024
"""Bytes read at a time."""

MAX_PARTS = 200_000
"""Chunks or segments walked; real files have some thousands, and a hostile one shall not keep a thread busy."""

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"
_PNG_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}  # by colour type
_JPEG = b"\xff\xd8\xff"
_JPEG_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")  # neither a stuffed FF, a restart mark nor a fill byte
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_START, _JPEG_END, _JPEG_SCAN = 0xD8, 0xD9, 0xDA
_WEBP_PICTURES = (b"VP8 ", b"VP8L", b"ANMF")


class _BrokenError(Exception):
    """Ends the walk; caught in `identify`."""

    def __init__(self, failure: Failure, detail: str) -> None:
        super().__init__(detail)
        self.failed = Failed(failure, detail)


def _not_an_image(detail: str) -> _BrokenError:
    return _BrokenError(Failure.NOT_AN_IMAGE, detail)


@dataclass(frozen=True, slots=True)
class _Content:
    """The bytes to look at: `size` of them, read where they are needed."""

    file: BinaryIO
    size: int
    max_pixels: int

    def upto(self, offset: int, length: int) -> bytes:
        """At most `length` bytes."""
        self.file.seek(offset)
        return self.file.read(max(0, min(length, self.size - offset)))

    def at(self, offset: int, length: int) -> bytes:
        """Exactly `length` bytes; what ends before is cut."""
        found = self.upto(offset, length)
        if len(found) < length:
            raise _BrokenError(Failure.TRUNCATED, f"the image ends too early, after {self.size} bytes")
        return found

    def must_hold(self, end: int) -> None:
        """See that the content reaches to `end`."""
        if end > self.size:
            raise _BrokenError(Failure.TRUNCATED, f"the image ends too early, {end - self.size} bytes short of a part")

    def measured(self, image_format: ImageFormat, width: int, height: int) -> Image:
        """An image of this size, if it is one and within the cap."""
        if width == 0 or height == 0:
            raise _not_an_image(f"a {image_format.value} header that says {width} x {height} pixels")
        if width * height > self.max_pixels:
            detail = f"{width} x {height} pixels are more than the {self.max_pixels} allowed"
            raise _BrokenError(Failure.TOO_LARGE, detail)
        return Image(image_format, width, height)


def identify(file: BinaryIO, size: int, max_pixels: int) -> Image | Failed:
    """Say which image the first `size` bytes of a seekable file are; any bytes get an answer, only I/O can raise."""
    content = _Content(file, size, max_pixels)
    try:
        return _reader(content.upto(0, 12))(content)
    except _BrokenError as broken:
        return broken.failed


def _reader(head: bytes) -> Callable[[_Content], Image]:
    if head.startswith(_PNG):
        return _png
    if head.startswith(_JPEG):
        return _jpeg
    if head.startswith(b"RIFF") and head[8:] == b"WEBP":
        return _webp
    return _something_else


def _png(content: _Content) -> Image:
    """Portable Network Graphics (W3C PNG, third edition): signature, IHDR, chunks with an IDAT among them, IEND."""
    header = content.at(8, 25)
    body, checksum = header[8:21], int.from_bytes(header[21:])
    depth, colour, compression, filtering, interlace = body[8:]
    if header[:8] != b"\x00\x00\x00\x0dIHDR" or zlib.crc32(header[4:21]) != checksum:
        raise _not_an_image("a PNG with a damaged header")
    if depth not in _PNG_DEPTHS.get(colour, ()) or compression or filtering or interlace > 1:
        raise _not_an_image("a PNG with a header of no known kind")
    image = content.measured(ImageFormat.PNG, int.from_bytes(body[:4]), int.from_bytes(body[4:8]))
    offset, has_pixels = 33, False
    for _ in range(MAX_PARTS):
        chunk = content.at(offset, 8)
        length, name = int.from_bytes(chunk[:4]), chunk[4:]
        if not name.isalpha():
            raise _not_an_image("a PNG with a damaged chunk")
        if name == b"IEND":
            if content.at(offset, 12) != _PNG_END or not has_pixels:
                raise _not_an_image("a PNG without pixels or with a damaged end")
            return image
        has_pixels = has_pixels or name == b"IDAT"
        offset += 12 + length
        content.must_hold(offset)
    raise _not_an_image(f"a PNG with more than {MAX_PARTS} chunks")


def _jpeg(content: _Content) -> Image:
    """JPEG (ITU T.81 annex B): segments with a frame header, at least one scan, and the end-of-image marker."""
    image: Image | None = None
    offset, has_scan = 2, False
    for _ in range(MAX_PARTS):
        marker, offset = _next_marker(content, offset)
        if marker == _JPEG_END:
            if image is None or not has_scan:
                raise _not_an_image("a JPEG without a picture")
            return image
        if marker < 0xC0 or marker == _JPEG_START:
            raise _not_an_image("a JPEG with a damaged segment")
        length = int.from_bytes(content.at(offset, 2))
        if marker in _JPEG_FRAMES:
            if image is not None or length < 8:
                raise _not_an_image("a JPEG with a damaged or second frame header")
            height, width = (int.from_bytes(content.at(offset + at, 2)) for at in (3, 5))
            image = content.measured(ImageFormat.JPEG, width, height)
        if marker == _JPEG_SCAN:
            if image is None:
                raise _not_an_image("a JPEG with a scan before its frame header")
            has_scan = True
        offset += max(length, 2)
        content.must_hold(offset)
    raise _not_an_image(f"a JPEG with more than {MAX_PARTS} segments")


def _next_marker(content: _Content, offset: int) -> tuple[int, int]:
    """The next marker and the offset behind it, over compressed data and stray bytes, as decoders search for it."""
    reach = 64  # between segments a marker is next; only in compressed data is it far
    while True:
        window = content.upto(offset, reach)
        found = _JPEG_MARKER.search(window)
        if found is not None:
            return window[found.start() + 1], offset + found.end()
        if offset + len(window) >= content.size or len(window) < 2:
            raise _BrokenError(Failure.TRUNCATED, "the JPEG ends without its end marker")
        offset += len(window) - 1  # the last byte may be the first half of a marker
        reach = min(reach * 8, WINDOW)


def _webp(content: _Content) -> Image:
    """WebP (RFC 9649): a RIFF container whose first chunk is VP8, VP8L or VP8X, with a picture among its chunks."""
    end = 8 + int.from_bytes(content.at(4, 4), "little")
    content.must_hold(end)
    offset, image, has_picture = 12, None, False
    for _ in range(MAX_PARTS):
        if offset >= end:
            break
        chunk = content.at(offset, 8)
        name, length = chunk[:4], int.from_bytes(chunk[4:], "little")
        if offset + 8 + length > end:
            raise _not_an_image("a WebP with a chunk beyond its own length")
        if name in (b"VP8 ", b"VP8L") or (name == b"VP8X" and image is None):
            measured = content.measured(ImageFormat.WEBP, *_webp_size(name, content.at(offset + 8, min(length, 10))))
            if image is not None and measured != image:
                raise _not_an_image("a WebP whose picture has another size than its header says")
            image = measured
        elif image is None:
            raise _not_an_image("a WebP that does not begin with a picture")
        has_picture = has_picture or name in _WEBP_PICTURES
        offset += 8 + length + length % 2  # a pad byte that the RIFF length leaves out is not missed
    if offset < end or image is None or not has_picture:
        raise _not_an_image("a WebP without a picture")
    return image


def _webp_size(name: bytes, body: bytes) -> tuple[int, int]:
    """Width and height that a chunk's body begins with."""
    if name == b"VP8 " and len(body) == 10 and body[3:6] == b"\x9d\x01\x2a" and not body[0] & 1:
        return int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF
    if name == b"VP8L" and len(body) >= 5 and body[0] == 0x2F and body[4] >> 5 == 0:
        bits = int.from_bytes(body[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if name == b"VP8X" and len(body) == 10:
        return int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1
    raise _not_an_image("a WebP with a damaged header")


_BLANK = rb"(?is)(?:\xef\xbb\xbf)?\s*"  # a byte order mark and white space in front of a document
_OTHERS = tuple(
    (re.compile(pattern), name)
    for pattern, name in (
        (rb"GIF8[79]a", "a GIF image"),
        (rb"(?s)....ftypavi[fs]", "an AVIF image"),
        (rb"(?s)....ftyp(?:hei[cx]|mif1|msf1)", "a HEIF image"),
        (rb"(?s)BM....\x00\x00\x00\x00", "a BMP image"),
        (rb"II\*\x00|MM\x00\*", "a TIFF image"),
        (rb"\xff\x0a|\x00\x00\x00\x0cJXL ", "a JPEG XL image"),
        (rb"\x1f\x8b", "gzip data"),
        (rb"PK\x03\x04", "a ZIP archive"),
        (rb"%PDF-", "a PDF document"),
        (_BLANK + rb"(?:<(?:\?xml|!--|!doctype svg).{0,400})?<svg", "an SVG drawing"),
        (_BLANK + rb"(?:<!--.{0,400})?<(?:!doctype html|html|head|body|script|title|h1|p)\b", "an HTML page"),
        (_BLANK + rb"<\?xml", "an XML document"),
        (_BLANK + rb"[\[{]\s*[\]}\"\[{0-9tfn-]", "JSON"),
        (rb"[\t\n\r -~]+\Z", "plain text"),
    )
)
"""Other things that links have led to, by how they begin; only for the detail."""


def _something_else(content: _Content) -> Image:
    head = content.upto(0, 512)
    if not head:
        raise _BrokenError(Failure.TRUNCATED, "there are no bytes at all")
    is_cut_webp = content.size < 12 and (b"RIFF".startswith(head[:4]) and b"WEBP".startswith(head[8:]))
    if _PNG.startswith(head) or _JPEG.startswith(head) or is_cut_webp:
        raise _BrokenError(Failure.TRUNCATED, f"the image ends after {content.size} bytes")
    what = next((name for pattern, name in _OTHERS if pattern.match(head)), "bytes of no known format")
    raise _not_an_image(f"{what}, not a PNG, JPEG or WebP")
