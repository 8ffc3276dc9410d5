"""A second wall: takes tokens and full links out of text. The first wall is that nobody logs them.

It errs on the side of masking too much, and must stay linear in the length of the text.
"""

import re
from typing import Any

MASK = "***"

_DEEPEST = 4
_SHORTEST_SIGNED = 44
"""Characters of a token's signature with the dot before it."""

_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    # user and password of any URL
    (re.compile(r"(://)[^\s/?#@\"'<>]{1,300}@"), rf"\1{MASK}@"),
    # path and query of a web link: result links are unsigned, so the path is the secret
    (re.compile(r"(https?://[^\s/?#\"'<>]+)[/?#][^\s\"'<>]+", re.IGNORECASE), rf"\1/{MASK}"),
    # our own tokens in paths
    (re.compile(r"(/callbacks/[^\s/?#\"'<>]+/)[^\s/?#\"'<>]+"), rf"\1{MASK}"),
    (re.compile(r"(/a/)[^\s/?#\"'<>]+"), rf"\1{MASK}"),
    # a query string after a path
    (re.compile(r"(/[^\s?\"'<>]{0,300}\?)[^\s\"'<>]+"), rf"\1{MASK}"),
    # the signature of a token wherever it stands: HMAC-SHA256 as unpadded base64url, with or without more behind it
    (re.compile(r"\.[A-Za-z0-9_-]{43,}"), f".{MASK}"),
    # our own keys wherever they stand
    (re.compile(r"\b(darkroom_)[0-9A-Za-z]{43}"), rf"\1{MASK}"),
    (re.compile(r"(bearer\s+)\S+", re.IGNORECASE), rf"\1{MASK}"),
)


def masked(text: str) -> str:
    """The text without tokens, credentials, and the paths and queries of links."""
    if "/" not in text and len(text) < _SHORTEST_SIGNED and "earer" not in text:
        return text  # most values; the patterns cost more than the rest of a line
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def masked_value(value: Any, depth: int = 0) -> Any:
    """The same for any value of a log line: lists and maps are walked, objects shown as masked text."""
    if isinstance(value, str):  # most are
        return masked(value)
    if value is None or isinstance(value, int | float):
        return value
    if depth < _DEEPEST:
        if isinstance(value, dict):
            return {masked(str(key)): masked_value(inner, depth + 1) for key, inner in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [masked_value(inner, depth + 1) for inner in value]
    return masked(str(value))
