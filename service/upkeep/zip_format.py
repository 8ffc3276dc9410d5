"""ZIP as bytes (PKWARE APPNOTE 6.3): stored members whose size and CRC are known before they begin. Pure.

So a member's header is whole when it is written, and what reads archives from a pipe can read these, which it could
not where sizes come after stored bytes. Fields that do not hold a number are continued by ZIP64.
"""

import struct
from dataclasses import dataclass
from datetime import UTC, datetime

_LOCAL, _CENTRAL, _END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_END_64, _LOCATOR_64 = b"PK\x06\x06", b"PK\x06\x07"
_VERSION, _VERSION_64 = 20, 45
_BY_UNIX = 3 << 8
_STORED = 0
_PLAIN_FILE = 0o100644 << 16
_MOST_16, _MOST_32 = 0xFFFF, 0xFFFFFFFF
_ZIP64, _UNIX_TIME = 0x0001, 0x5455
_LATEST_UNIX = 0x7FFFFFFF

NO_TIME = datetime(1980, 1, 1, tzinfo=UTC)
"""The first time there is in a ZIP, for what has none of its own."""


@dataclass(frozen=True, slots=True)
class Member:
    """A file in the archive: an ASCII name with `/`, size and CRC-32 of its bytes, and when it changed."""

    name: str
    size: int
    crc: int
    at: datetime = NO_TIME


def local_header(member: Member) -> bytes:
    """What comes before a member's bytes."""
    name, large = member.name.encode("ascii"), member.size >= _MOST_32
    extra = _times(member) + (_zip64(member.size, member.size) if large else b"")
    size = _MOST_32 if large else member.size
    kind = (_LOCAL, _version(large), 0, _STORED)
    fixed = struct.pack("<4s5H3L2H", *kind, *_dos(member.at), member.crc, size, size, len(name), len(extra))
    return fixed + name + extra


def central_header(member: Member, offset: int) -> bytes:
    """A member's line in the directory at the archive's end; `offset` is where its local header begins."""
    name, large, far = member.name.encode("ascii"), member.size >= _MOST_32, offset >= _MOST_32
    continued = [member.size, member.size] if large else []
    continued += [offset] if far else []
    extra = _times(member) + (_zip64(*continued) if continued else b"")
    size = _MOST_32 if large else member.size
    version = _version(large or far)
    fixed = struct.pack(
        "<4s6H3L5H2L",
        _CENTRAL,
        _BY_UNIX | version,
        version,
        0,
        _STORED,
        *_dos(member.at),
        member.crc,
        size,
        size,
        len(name),
        len(extra),
        0,  # no comment
        0,  # the first disk
        0,  # not known to be text
        _PLAIN_FILE,
        _MOST_32 if far else offset,
    )
    return fixed + name + extra


def ending(members: int, directory: int, offset: int) -> bytes:
    """What ends an archive of so many members; `directory` is its size in bytes, and `offset` where it begins."""
    count, size, start = min(members, _MOST_16), min(directory, _MOST_32), min(offset, _MOST_32)
    end = struct.pack("<4s4H2LH", _END, 0, 0, count, count, size, start, 0)
    if members < _MOST_16 and directory < _MOST_32 and offset < _MOST_32:
        return end
    rest = struct.pack("<2H2L4Q", _BY_UNIX | _VERSION_64, _VERSION_64, 0, 0, members, members, directory, offset)
    large = struct.pack("<4sQ", _END_64, len(rest)) + rest
    return large + struct.pack("<4sLQL", _LOCATOR_64, 0, offset + directory, 1) + end


def _version(large: bool) -> int:
    return _VERSION_64 if large else _VERSION


def _zip64(*numbers: int) -> bytes:
    return struct.pack(f"<2H{len(numbers)}Q", _ZIP64, 8 * len(numbers), *numbers)


def _times(member: Member) -> bytes:
    """The time in seconds and in UTC, which the two fields of DOS cannot say; none where it cannot be said so."""
    seconds = int(member.at.timestamp())
    if member.at == NO_TIME or seconds > _LATEST_UNIX:
        return b""
    return struct.pack("<2HBl", _UNIX_TIME, 5, 1, seconds)


def _dos(at: datetime) -> tuple[int, int]:
    """Time and date as DOS has them, every other second."""
    at = max(at.astimezone(UTC), NO_TIME)
    year = min(at.year, 2107)
    return at.hour << 11 | at.minute << 5 | at.second // 2, (year - 1980) << 9 | at.month << 5 | at.day
