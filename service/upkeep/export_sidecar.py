"""Sidecars as an export has them: whole, or without what opens anything or came in confidence. Pure."""

import json
from enum import StrEnum


class Sidecars(StrEnum):
    """`public` is what a key that may only read gets; `whole` is the sidecar of the archive, which rebuilds it."""

    PUBLIC = "public"
    WHOLE = "whole"


def published(document: bytes) -> bytes:
    """A sidecar without the provider's links, which anybody can open, its answer, which has them too, and callbacks."""
    told = json.loads(document)
    for asset in told["assets"]:
        asset["links"] = asset["refused_links"] = []
    told["evidence"]["token_id"], told["evidence"]["callbacks"], told["provider"] = None, [], None
    return f"{json.dumps(told, indent=1)}\n".encode()
