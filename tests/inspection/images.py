"""Images with parts of our own making: chunks and segments as the formats have them, and what is embedded in them."""

import io
import struct
import zlib
from collections.abc import Sequence
from typing import Any

from PIL import Image

from service.domain.image import ImageFormat
from service.inspection.header import read_header
from service.inspection.parts import ImageFile

XMP_MARK = b"http://ns.adobe.com/xap/1.0/\0"
EXTENDED_MARK = b"http://ns.adobe.com/xmp/extension/\0"
AI = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"


def plain(name: str = "PNG", mode: str = "RGB", **options: Any) -> bytes:
    """A small image as Pillow writes it."""
    file = io.BytesIO()
    Image.new(mode, (8, 6)).save(file, name, **options)
    return file.getvalue()


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(*chunks: bytes, mode: str = "RGB") -> bytes:
    """A PNG with chunks behind its header."""
    whole = plain("PNG", mode)
    return whole[:33] + b"".join(chunks) + whole[33:]


def segment(marker: int, content: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content


def jpeg(*segments: bytes, mode: str = "RGB") -> bytes:
    """A JPEG with segments at its beginning."""
    whole = plain("JPEG", mode)
    return whole[:2] + b"".join(segments) + whole[2:]


def riff(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def webp(*chunks: bytes, flags: int = 0, lossless: bool = False) -> bytes:
    """A WebP of the extended kind with chunks behind its picture."""
    picture = plain("WEBP", lossless=lossless)[12:]
    header = riff(b"VP8X", bytes([flags, 0, 0, 0]) + (7).to_bytes(3, "little") + (5).to_bytes(3, "little"))
    body = b"WEBP" + header + picture + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content) + 8) + kind + content


def superbox(label: bytes, kind: bytes, *inner: bytes) -> bytes:
    """A JUMBF superbox (ISO 19566-5): its description with a label, then what it holds."""
    uuid = kind + bytes.fromhex("00110010800000AA00389B71")
    return box(b"jumb", box(b"jumd", uuid + b"\x03" + label + b"\0") + b"".join(inner))


def cbor(value: object) -> bytes:
    """As much of RFC 8949 as claims are made of."""
    match value:
        case str():
            return _cbor_head(3, len(value.encode())) + value.encode()
        case int():
            return _cbor_head(0, value)
        case list():
            return _cbor_head(4, len(value)) + b"".join(map(cbor, value))
        case dict():
            return _cbor_head(5, len(value)) + b"".join(cbor(key) + cbor(one) for key, one in value.items())
        case _:
            raise TypeError(value)


def _cbor_head(major: int, number: int) -> bytes:
    if number < 24:
        return bytes([major << 5 | number])
    if number < 256:
        return bytes([major << 5 | 24, number])
    return bytes([major << 5 | 25]) + struct.pack(">H", number)


def manifest_store(claim: dict[str, object], *source_types: str, label: bytes = b"c2pa", padding: int = 0) -> bytes:
    """A C2PA manifest store: one manifest with an assertion of actions and a claim; nothing is signed."""
    actions = {"actions": [{"action": "c2pa.created", "digitalSourceType": one} for one in source_types]}
    assertion = superbox(b"c2pa.actions.v2", b"cbor", box(b"cbor", cbor(actions)))
    thumbnail = superbox(b"c2pa.thumbnail.claim.jpeg", b"\x40\xcb\x0c\x32", box(b"bidb", bytes(padding)))
    assertions = superbox(b"c2pa.assertions", b"c2as", assertion, thumbnail)
    claimed = superbox(b"c2pa.claim.v2", b"c2cl", box(b"cbor", cbor(claim)))
    return superbox(label, b"c2pa", superbox(b"urn:c2pa:1", b"c2ma", assertions, claimed))


def app11(store: bytes, *, number: int = 1, most: int = 65_000) -> list[bytes]:
    """A box as APP11 segments (ISO 18477-3): each has the box's header again, behind number and sequence."""
    header, content = store[:8], store[8:]
    pieces = [content[at : at + most] for at in range(0, len(content), most)]
    return [
        segment(0xEB, b"JP" + struct.pack(">HI", number, sequence) + header + piece)
        for sequence, piece in enumerate(pieces, start=1)
    ]


def xmp(inside: str = "", attributes: str = "") -> bytes:
    """An XMP packet whose one description has these attributes and elements."""
    return f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:ext="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
 xmlns:dcterms="http://purl.org/dc/terms/" xmlns:note="http://ns.adobe.com/xmp/note/"
 xmlns:xmp="http://ns.adobe.com/xap/1.0/" {attributes}>{inside}</rdf:Description>
</rdf:RDF></x:xmpmeta><?xpacket end="w"?>""".encode()


def itxt(keyword: str, value: bytes, *, compressed: bool = False) -> bytes:
    value = zlib.compress(value) if compressed else value
    return chunk(b"iTXt", keyword.encode() + b"\0" + bytes([compressed, 0]) + b"\0\0" + value)


Entry = tuple[int, int, int, bytes]


def exif(entries: Sequence[Entry], *, order: str = "<") -> bytes:
    """A TIFF block whose first folder has these entries: tag, kind, count, content (long ones are put behind it)."""
    mark = b"II*\0" if order == "<" else b"MM\0*"
    folder, behind = struct.pack(f"{order}H", len(entries)), b""
    start = 8 + 2 + 12 * len(entries) + 4
    for tag, kind, count, content in entries:
        value = content.ljust(4, b"\0")
        if len(content) > 4:
            value, behind = struct.pack(f"{order}I", start + len(behind)), behind + content
        folder += struct.pack(f"{order}HHI", tag, kind, count) + value
    return mark + struct.pack(f"{order}I", 8) + folder + bytes(4) + behind


def text_entry(tag: int, text: str) -> Entry:
    return (tag, 2, len(text) + 1, text.encode() + b"\0")


def told(data: bytes, image_format: ImageFormat) -> dict[str, Any]:
    """What the header of these bytes says."""
    return read_header(ImageFile(io.BytesIO(data), len(data), image_format))
