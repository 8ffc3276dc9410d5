"""What is asked for, once it was found good, and what is said of it otherwise. Pure values."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from service.submission.sizes import Resolution

INVALID_BODY = "invalid_request"
INVALID_PARAMETER = "invalid_parameters"
"""The codes that the provider uses too."""

CALLBACK = "callback_url"


@dataclass(frozen=True, slots=True)
class Wrong:
    """Why a request is refused; `param` names the member that is wrong, `message` the rule, for people."""

    param: str | None
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Request:
    """A request for images that may be sent.

    `document` is the JSON object as parsed, without members that are null. The others are what it says or the
    defaults, as far as the rules of its model are `known`; `prompt` is as a database can store it.
    """

    document: Mapping[str, Any]
    model: str
    prompt: str | None
    size: str
    resolution: Resolution
    quality: str
    n: int
    image_urls: tuple[str, ...]
    mask_url: str | None
    callback_url: str | None
    known: bool
    warnings: tuple[str, ...]
    fingerprint: str

    @property
    def images(self) -> int:
        """How many images it asks for."""
        return self.n

    def with_callback_url(self, url: str | None) -> bytes:
        """The JSON to send: this callback URL or none, and everything else as it was."""
        rest = {name: value for name, value in self.document.items() if name != CALLBACK}
        return json.dumps(rest if url is None else {**rest, CALLBACK: url}, separators=(",", ":")).encode()


def fingerprint(document: Mapping[str, Any]) -> str:
    """SHA-256 in hex of a JSON object; equal for equal objects, whatever the order of their members."""
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
