"""How much of an archived image was looked at: its `details` say so themselves. Pure."""

from collections.abc import Mapping
from enum import IntEnum
from typing import Any


class Looked(IntEnum):
    """How far; what a later version of this program finds in addition gets the next number."""

    NOT = 0
    AT_THE_FILE = 1  # its parts: provenance, metadata, layout
    AT_THE_PIXELS = 2  # decoded, or found to be undecodable


def details_version(details: Mapping[str, Any] | None) -> int:
    """The number in a document; 0 where there is none, or none that this program wrote."""
    version = details.get("version") if details else None
    is_number = isinstance(version, int) and not isinstance(version, bool)
    return version if is_number and version in set(Looked) else Looked.NOT.value
