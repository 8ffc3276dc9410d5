"""A closed selection of EXIF: what made the image, when, whose it is, and how it is turned. Pure; any bytes end.

Where it was taken is personal, and nobody who looks an image up needs it: of GPS only is told that it is there, so
that somebody can act on it. Serial numbers, owners' names of cameras and makers' notes are left out for the same
reason. All of it stays in the image itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from service.inspection.bounded_text import clean

LONGEST_BLOCK = 256 * 1024
"""Bytes of EXIF that are looked at."""

_MOST_ENTRIES = 512
_TEXTS = {
    0x010E: "image_description",
    0x010F: "make",
    0x0110: "model",
    0x0131: "software",
    0x0132: "date_time",
    0x013B: "artist",
    0x8298: "copyright",
    0x9003: "date_time_original",
}
_ORIENTATION, _EXIF_FOLDER, _GPS_FOLDER = 0x0112, 0x8769, 0x8825
_ASCII, _SHORT, _UTF8 = 2, 3, 129


@dataclass(frozen=True, slots=True)
class _Entry:
    tag: int
    kind: int
    count: int
    value: bytes  # or where it is


@dataclass(frozen=True, slots=True)
class _Tiff:
    """EXIF is laid out as a TIFF file without a picture."""

    data: bytes
    order: Literal["little", "big"]

    def number(self, data: bytes) -> int:
        return int.from_bytes(data, self.order)

    def entries(self, offset: int) -> Iterator[_Entry]:
        count = min(self.number(self.data[offset : offset + 2]), _MOST_ENTRIES)
        for at in range(offset + 2, offset + 2 + 12 * count, 12):
            raw = self.data[at : at + 12]
            if len(raw) < 12:
                return
            yield _Entry(self.number(raw[:2]), self.number(raw[2:4]), self.number(raw[4:8]), raw[8:])

    def text(self, entry: _Entry) -> str:
        if entry.kind not in (_ASCII, _UTF8):
            return ""
        start = self.number(entry.value)
        raw = entry.value[: entry.count] if entry.count <= 4 else self.data[start : start + min(entry.count, 4096)]
        return clean(raw.partition(b"\0")[0])


def read_exif(block: bytes) -> dict[str, Any] | None:
    """The selection: texts, `orientation` from 1 to 8, and `gps` whether a place is noted; None for no EXIF.

    `block` begins with the TIFF header, or with the `Exif` mark in front of it.
    """
    data = block.removeprefix(b"Exif\0\0")
    orders: dict[bytes, Literal["little", "big"]] = {b"II*\0": "little", b"MM\0*": "big"}
    order = orders.get(data[:4])
    if order is None:
        return None
    tiff, found = _Tiff(data, order), dict[str, Any]()
    found["gps"] = False
    folders = [tiff.number(data[4:8])]
    for folder in folders:
        for entry in tiff.entries(folder):
            if entry.tag in _TEXTS:
                if text := tiff.text(entry):
                    found.setdefault(_TEXTS[entry.tag], text)
            elif entry.tag == _ORIENTATION and entry.kind == _SHORT:
                turned = tiff.number(entry.value[:2])
                found.update({"orientation": turned} if 1 <= turned <= 8 else {})
            elif entry.tag == _GPS_FOLDER:
                found["gps"] = True
            elif entry.tag == _EXIF_FOLDER and len(folders) == 1:
                folders.append(tiff.number(entry.value))
    return found
