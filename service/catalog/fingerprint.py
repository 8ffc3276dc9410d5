"""What a row holds as one hash, the same whichever database it is in. Pure."""

import hashlib
from collections.abc import Mapping
from typing import Any


def fingerprint(row: Mapping[str, Any]) -> str:
    """SHA-256 over the values of a row in their order: times in UTC, JSON as its text.

    A NUL counts as what every database keeps of it.
    """
    values = [hashlib.sha256(value).digest() if type(value) is bytes else value for value in row.values()]
    return hashlib.sha256(repr(values).replace("\\x00", "\ufffd").encode()).hexdigest()
