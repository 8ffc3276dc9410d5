"""Text chunks of PNG: what image generators and editors write down by keyword. Pure.

Values are cut short, and EXIF and XMP in the guise of texts left out: the archive keeps all of it in the image itself.
"""

from collections.abc import Mapping

from service.inspection.bounded_text import clean, inflated
from service.inspection.parts import ImageFile, Part
from service.inspection.xmp import LONGEST_PACKET

NAMES = frozenset({"tEXt", "zTXt", "iTXt"})
XMP_KEYWORD = "XML:com.adobe.xmp"
MOST = 16
"""Keywords that are kept of one image."""

LONGEST_VALUE = 1000
LONGEST_IN_ALL = 4000
"""Characters that are kept of a value, and of all of them: whoever lists images gets them many times over."""

_ELSEWHERE = ("raw profile type", "exif", "gps", "aux:", "xmp", "xml:com.adobe.xmp")
"""How keywords begin, in small letters, under which tools repeat EXIF and XMP: what those may tell is decided there."""

_READ = 64 * 1024
_LONGEST_KEYWORD = 79


def read_text(image: ImageFile, part: Part, longest: int = _READ) -> tuple[str, bytes]:
    """Keyword and value of a text chunk, at most so many bytes of it, inflated where it is compressed."""
    data = image.read(part, longest)
    keyword, _, rest = data.partition(b"\0")
    value = rest
    if part.name == "zTXt":
        value = inflated(rest[1:], longest)
    elif part.name == "iTXt":
        flags, rest = rest[:2], rest[2:]
        _language, _, rest = rest.partition(b"\0")
        _translated, _, rest = rest.partition(b"\0")
        value = inflated(rest, longest) if flags[:1] == b"\x01" else rest
    return clean(keyword, _LONGEST_KEYWORD), value


def read_xmp(image: ImageFile, part: Part) -> bytes | None:
    """The XMP packet that a text chunk holds, if it does."""
    if part.name != "iTXt" or not image.read(part, 18).startswith(XMP_KEYWORD.encode() + b"\0"):
        return None
    return read_text(image, part, LONGEST_PACKET)[1]


def with_text(known: Mapping[str, str], keyword: str, value: bytes) -> Mapping[str, str]:
    """The texts with one more, unless it is known, nameless or too much, or EXIF or XMP under another name."""
    room = LONGEST_IN_ALL - sum(len(one) + len(other) for one, other in known.items()) - len(keyword)
    if not keyword or keyword in known or len(known) >= MOST or room <= 0 or keyword.lower().startswith(_ELSEWHERE):
        return known
    return {**known, keyword: clean(value, min(LONGEST_VALUE, room))}
