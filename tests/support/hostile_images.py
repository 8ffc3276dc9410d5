"""Images as nobody wants to meet them, and some that are only unusual. All are made on the spot."""

import io
import struct
import zlib
from typing import Any

from PIL import Image

SIDE = (300, 200)


def encoded(image: Image.Image, format: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def noise(size: tuple[int, int] = SIDE) -> Image.Image:
    return Image.effect_noise(size, 50).convert("RGB")


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width: int, height: int, pixels: bytes, *, depth: int = 8, colour: int = 2, interlaced: int = 0) -> bytes:
    """A PNG that says it has this size, whatever its compressed `pixels` come to."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def zeros(count: int) -> bytes:
    """So many zeros in a thousandth of the room."""
    return zlib.compress(b"\0" * count, 9)


def with_text_bomb(whole: bytes, size: int) -> bytes:
    """A PNG with a compressed text chunk of this size behind its header."""
    return whole[:33] + chunk(b"zTXt", b"note\0\0" + zeros(size)) + whole[33:]


def broken() -> dict[str, bytes]:
    """What no thumbnail can be made of."""
    return {
        "nothing": b"",
        "text": b"this is no image",
        "a drawing": b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><image href="/etc/passwd"/></svg>',
        "a gif": encoded(noise(), "GIF"),
        "a tiff": encoded(noise(), "TIFF"),
        "a cut png": encoded(noise(), "PNG")[:-3000],
        "a cut jpeg": encoded(noise(), "JPEG")[:-3000],
        "a cut webp": encoded(noise(), "WEBP")[:-3000],
        "a jpeg's header": encoded(noise(), "JPEG")[:200],
        "a png whose first chunk is damaged": bytes((*encoded(noise(), "PNG")[:18], 9, *encoded(noise(), "PNG")[19:])),
        "a png without pixels": png(64, 64, b""),
        "a png with too few pixels": png(9000, 9000, zeros(100)),
        "a png whose pixels are not compressed": png(64, 64, b"\0" * 64 * 193),
    }


def bombs() -> dict[str, bytes]:
    """Small files that say they are enormous."""
    return {
        "3.6 gigapixels": png(60_000, 60_000, zeros(100)),
        "a line of 200 megapixels": png(1_000_000, 200, zeros(100)),
    }
