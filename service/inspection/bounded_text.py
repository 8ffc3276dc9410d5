"""Texts out of other people's files, made short and storable. Pure."""

import re
import zlib

LONGEST = 200
"""Characters of a text, unless more are asked for."""

_UNWANTED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_CUT = "…"


def clean(text: str | bytes, longest: int = LONGEST) -> str:
    """A text without control characters, at most so long; bytes are UTF-8, or else Latin-1."""
    if isinstance(text, bytes):
        text = _decoded(text[: 4 * longest + 4], cut=len(text) > 4 * longest + 4)
    cleaned = _UNWANTED.sub("", text.replace("\r\n", "\n")[: 2 * longest]).strip()
    return cleaned if len(cleaned) <= longest else cleaned[: longest - 1] + _CUT


def _decoded(data: bytes, *, cut: bool) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        if cut and error.start >= len(data) - 4:
            return data[: error.start].decode("utf-8")
        return data.decode("latin-1")


def inflated(data: bytes, longest: int) -> bytes:
    """What a zlib stream holds, at most so many bytes of it; what comes before an error counts."""
    stream = zlib.decompressobj()
    try:
        return stream.decompress(data, longest)
    except zlib.error:
        return b""
