"""Content Credentials (C2PA): whether a manifest is embedded, and what it says without being asked for proof. Pure.

A manifest store is one JUMBF superbox (ISO 19566-5) labelled `c2pa`: in PNG the chunk `caBX`, in WebP the chunk `C2PA`,
in JPEG spread over APP11 segments (ISO 18477-3). It is detected, never verified: no signature and no hash is looked at,
and whoever wrote the file may have written anything. So what is read inside is found by a lenient look at its CBOR and
JSON, which is told apart from what XMP says.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from service.inspection.bounded_text import clean

LONGEST_STORE = 4 * 1024 * 1024
"""Bytes of a manifest store that are looked at; thumbnails make up most of a long one."""

MOST_VALUES = 4
"""Different digital source types that are told."""

_LONGEST_LABEL = 64
_SOURCE_TYPE = re.compile(rb"\x71digitalSourceType|\"digitalSourceType\"\s{0,8}:\s{0,8}\"([^\"\\\x00-\x1f]{1,500})\"")
_GENERATOR = re.compile(rb"\x6fclaim_generator|\"claim_generator\"\s{0,8}:\s{0,8}\"([^\"\\\x00-\x1f]{1,500})\"")
_GENERATOR_INFO = re.compile(rb"\x74claim_generator_info(?:\x81|\x9f)?[\xa1-\xb7\xbf]")
_NAME = re.compile(rb"\x64name")


@dataclass(slots=True)
class JpegStores:
    """Puts superboxes together from APP11 segments: those of one box number follow each other by their sequence."""

    boxes: dict[int, bytearray] = field(default_factory=dict)
    sizes: dict[int, int] = field(default_factory=dict)
    held: int = 0

    def add(self, segment: bytes) -> None:
        """Take in the content of one APP11 segment, whatever it is."""
        if segment[:2] != b"JP" or len(segment) < 16:
            return
        number, sequence = int.from_bytes(segment[2:4]), int.from_bytes(segment[4:8])
        header = 16 if segment[8:12] == b"\0\0\0\x01" else 8  # each segment repeats the header of the box
        if sequence <= 1 and number not in self.boxes and len(self.boxes) < 16:
            self.boxes[number] = bytearray(segment[8 : 8 + header])
            self.sizes[number] = len(segment[8 : 8 + header])
        if number not in self.boxes:
            return
        content = segment[8 + header :]
        self.sizes[number] += len(content)
        content = content[: max(0, LONGEST_STORE - self.held)]
        self.held += len(content)
        self.boxes[number] += content

    def stores(self) -> Iterator[tuple[bytes, int]]:
        """Each box that was put together, as far as it is looked at, and how many bytes it has."""
        for number, box in self.boxes.items():
            yield bytes(box), self.sizes[number]


def is_store(box: bytes) -> bool:
    """Whether this is how a manifest store begins: a superbox whose description is labelled `c2pa`."""
    start = 16 if box[:4] == b"\0\0\0\x01" else 8
    described = box[start : start + 8 + 17 + _LONGEST_LABEL]
    if box[4:8] != b"jumb" or described[4:8] != b"jumd" or len(described) < 25 or not described[24] & 0x02:
        return False
    label, ended, _ = described[25:].partition(b"\0")
    return bool(ended) and label == b"c2pa"


def read_store(box: bytes, size: int, where: str) -> dict[str, Any]:
    """What a manifest store says, unverified: `claim_generator`, and the `digital_source_types` asserted in it."""
    return {
        "detected": True,
        "where": where,
        "bytes": size,
        "claim_generator": _generator(box),
        "digital_source_types": list(_different(_values(box, _SOURCE_TYPE))),
        "remote_manifest": None,
    }


def nothing(remote_manifest: str | None) -> Mapping[str, Any]:
    """What is told where no manifest is embedded; XMP may say that it is elsewhere."""
    if remote_manifest is None:
        return {"detected": False}
    return {
        "detected": True,
        "where": "remote",
        "bytes": 0,
        "claim_generator": None,
        "digital_source_types": [],
        "remote_manifest": remote_manifest,
    }


def _generator(box: bytes) -> str | None:
    """Older claims have a text; newer ones a map with a name."""
    for text in _values(box, _GENERATOR):
        return text
    info = _GENERATOR_INFO.search(box)
    name = _NAME.search(box, info.end(), info.end() + 400) if info else None
    return _cbor_text(box, name.end()) if name else None


def _values(box: bytes, key: re.Pattern[bytes]) -> Iterator[str]:
    """The texts that follow a key, as CBOR or as JSON."""
    for count, found in enumerate(key.finditer(box)):
        if count >= 1000:
            return
        text = clean(found[1], 300) if found[1] is not None else _cbor_text(box, found.end())
        if text:
            yield text


def _cbor_text(box: bytes, at: int) -> str | None:
    """The CBOR text that begins there, if one does (RFC 8949, major type 3 of a known length)."""
    head = box[at : at + 1]
    if not head or not 0x60 <= head[0] <= 0x79:
        return None
    more = max(0, head[0] - 0x77)
    length = int.from_bytes(box[at + 1 : at + 1 + more]) if more else head[0] - 0x60
    text = box[at + 1 + more : at + 1 + more + length]
    return clean(text, 300) or None if len(text) == length else None


def _different(texts: Iterator[str]) -> Iterator[str]:
    seen: set[str] = set()
    for text in texts:
        if text not in seen and len(seen) < MOST_VALUES:
            seen.add(text)
            yield text
