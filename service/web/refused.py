"""The last refused callbacks, in memory and bounded: enough to see why a misconfigured URL does not arrive."""

from collections import deque
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

KEPT = 100


class RefusalReason(StrEnum):
    """Why a callback was answered 404 without its body being read."""

    UNKNOWN_SOURCE = "unknown_source"
    BAD_TOKEN = "bad_token"  # noqa: S105 - wrong signature or expired
    REVOKED_TOKEN = "revoked_token"  # noqa: S105


@dataclass(frozen=True, slots=True)
class RefusedCallback:
    """A request that was turned away; never its token, never its body."""

    at: datetime
    source: str
    reason: RefusalReason
    client: str | None
    user_agent: str | None


class RefusedCallbacks:
    """A ring of the last 100."""

    def __init__(self) -> None:
        self._ring: deque[RefusedCallback] = deque(maxlen=KEPT)

    def add(self, refused: RefusedCallback) -> None:
        self._ring.append(refused)

    def newest_first(self) -> list[RefusedCallback]:
        return list(reversed(self._ring))
