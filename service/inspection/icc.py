"""The name of an ICC profile, as its own description tag has it (ICC.1, versions 2 and 4). Pure; any bytes end."""

from service.inspection.bounded_text import clean

LONGEST_PROFILE = 256 * 1024
"""Bytes of a profile that are looked at; the description is near the beginning."""

_MOST_TAGS = 100


def profile_name(profile: bytes) -> str | None:
    """The description, or None where this is no profile that has one."""
    if profile[36:40] != b"acsp":
        return None
    for at in range(132, 132 + 12 * min(int.from_bytes(profile[128:132]), _MOST_TAGS), 12):
        if profile[at : at + 4] == b"desc":
            offset, size = (int.from_bytes(profile[at + part : at + part + 4]) for part in (4, 8))
            return _description(profile[offset : offset + min(size, 4096)])
    return None


def _description(tag: bytes) -> str | None:
    if tag[:4] == b"desc":
        length = int.from_bytes(tag[8:12])
        return clean(tag[12 : 12 + min(length, 1024)].partition(b"\0")[0]) or None
    if tag[:4] == b"mluc" and int.from_bytes(tag[8:12]):
        length, offset = int.from_bytes(tag[20:24]), int.from_bytes(tag[24:28])
        return clean(tag[offset : offset + min(length, 1024)].decode("utf-16-be", "replace")) or None
    return None
