"""Everything that the parts of an image file tell, as one JSON document. Pure; reads windows of the file, no pixels."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from service.domain.image import ImageFormat
from service.inspection import c2pa, colour, exif, icc, png_text, xmp
from service.inspection.bounded_text import clean, inflated
from service.inspection.parts import ImageFile, Part

_XMP_MARK = b"http://ns.adobe.com/xap/1.0/\0"
_EXTENDED_MARK = b"http://ns.adobe.com/xmp/extension/\0"
_ICC_MARK = b"ICC_PROFILE\0"
_SEGMENT = 64 * 1024

MOST_LOOKS = 64
"""Parts of one image that are inflated or parsed; real ones have a handful, and repeated ones cost time."""

MOST_XMP = 2 * xmp.LONGEST_PACKET
"""Bytes of XMP that are read of one image, in however many packets."""


@dataclass(slots=True)
class _Found:
    """What the walk over the parts has come upon."""

    layout: colour.Layout = field(default_factory=colour.Layout)
    jpeg_stores: c2pa.JpegStores = field(default_factory=c2pa.JpegStores)
    store: dict[str, Any] | None = None
    exif: dict[str, Any] | None = None
    xmp: dict[str, str] = field(default_factory=dict)
    extended: dict[bytes, bytearray] = field(default_factory=dict)
    text: Mapping[str, str] = field(default_factory=dict)
    icc_profile: str | None = None
    looks: int = 0
    xmp_left: int = MOST_XMP

    def may_look(self) -> bool:
        """Whether one more part may be inflated or parsed, which counts."""
        self.looks += 1
        return self.looks <= MOST_LOOKS

    def take_xmp(self, packet: bytes) -> None:
        """Add what a packet says that was not said before."""
        self.xmp = {**xmp.read_xmp(packet[: self.xmp_left]), **self.xmp}
        self.xmp_left -= min(len(packet), self.xmp_left)


def read_header(image: ImageFile) -> dict[str, Any]:
    """The document's members that need no pixels: `c2pa`, `digital_source_type`, `exif`, `text`, `colour`, `frames`.

    Any bytes get an answer; only I/O can raise.
    """
    found = _Found()
    for part in image.parts():
        found.layout = colour.with_part(found.layout, image, part)
        match image.format:
            case ImageFormat.PNG:
                _png(found, image, part)
            case ImageFormat.JPEG:
                _jpeg(found, image, part)
            case ImageFormat.WEBP:
                _webp(found, image, part)
    _join(found)
    return _document(found)


def _png(found: _Found, image: ImageFile, part: Part) -> None:
    if part.name == "caBX":
        _take_store(found, image, part)
    elif part.name == "eXIf":
        found.exif = found.exif or exif.read_exif(image.read(part, exif.LONGEST_BLOCK))
    elif part.name == "iCCP" and found.icc_profile is None and found.may_look():
        name, _, rest = image.read(part, icc.LONGEST_PROFILE).partition(b"\0")
        profile = inflated(rest[1:], icc.LONGEST_PROFILE)
        found.icc_profile = icc.profile_name(profile) or clean(name, 79) or None
    elif part.name in png_text.NAMES and found.may_look():
        packet = png_text.read_xmp(image, part)
        if packet is not None:
            found.take_xmp(packet)
        else:
            found.text = png_text.with_text(found.text, *png_text.read_text(image, part))


def _jpeg(found: _Found, image: ImageFile, part: Part) -> None:
    if part.name not in ("APP1", "APP2", "APP11"):
        return
    data = image.read(part, _SEGMENT)
    if part.name == "APP11":
        found.jpeg_stores.add(data)
    elif part.name == "APP2" and data.startswith(_ICC_MARK) and found.icc_profile is None:
        found.icc_profile = icc.profile_name(data[len(_ICC_MARK) + 2 :])
    elif data.startswith(b"Exif\0\0"):
        found.exif = found.exif or exif.read_exif(data)
    elif data.startswith(_XMP_MARK) and found.may_look():
        found.take_xmp(data.removeprefix(_XMP_MARK))
    elif data.startswith(_EXTENDED_MARK):
        _take_extended(found, data.removeprefix(_EXTENDED_MARK))


def _take_extended(found: _Found, data: bytes) -> None:
    """A piece of a long XMP packet: the name of the whole, its length, where this belongs, and the piece."""
    name, offset, piece = data[:32], int.from_bytes(data[36:40]), data[40:]
    if name not in found.extended and len(found.extended) >= 2:
        return
    whole = found.extended.setdefault(name, bytearray())
    if offset == len(whole) and offset < xmp.LONGEST_PACKET:  # in order, as they are written
        whole += piece


def _webp(found: _Found, image: ImageFile, part: Part) -> None:
    match part.name:
        case "C2PA":
            _take_store(found, image, part)
        case "EXIF":
            found.exif = found.exif or exif.read_exif(image.read(part, exif.LONGEST_BLOCK))
        case "XMP " if found.may_look():
            found.take_xmp(image.read(part, xmp.LONGEST_PACKET))
        case "ICCP":
            found.icc_profile = found.icc_profile or icc.profile_name(image.read(part, icc.LONGEST_PROFILE))
        case _:
            pass


def _take_store(found: _Found, image: ImageFile, part: Part) -> None:
    box = image.read(part, c2pa.LONGEST_STORE) if found.store is None else b""
    if c2pa.is_store(box):
        found.store = c2pa.read_store(box, part.length, part.name)


def _join(found: _Found) -> None:
    """What had come in pieces."""
    for box, size in found.jpeg_stores.stores():
        if found.store is None and c2pa.is_store(box):
            found.store = c2pa.read_store(box, size, "APP11")
    whole = found.extended.get(found.xmp.get("extended", "").encode())
    if whole:
        found.take_xmp(bytes(whole))


def _document(found: _Found) -> dict[str, Any]:
    remote, layout = found.xmp.get("provenance"), found.layout
    return {
        "c2pa": {**found.store, "remote_manifest": remote} if found.store else c2pa.nothing(remote),
        "digital_source_type": found.xmp.get("digital_source_type"),
        "creator_tool": found.xmp.get("creator_tool"),
        "exif": found.exif,
        "text": dict(found.text),
        "colour": {
            "type": layout.type,
            "bits": layout.bits,
            "alpha": layout.alpha,
            "icc_profile": found.icc_profile,
        },
        "frames": layout.frames,
    }
