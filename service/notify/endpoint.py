"""An endpoint that is told of events, and the headers by which it knows that we told it (Standard Webhooks)."""

from dataclasses import dataclass, field
from datetime import datetime

from standardwebhooks import Webhook

from service.domain.announcement import EventKind


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Who is told of which events; all `secrets` sign, so that they can be rotated one after the other.

    Its URL may hold a secret, too: neither is ever shown.
    """

    name: str
    url: str = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)
    kinds: frozenset[EventKind] = frozenset(EventKind)

    def signed(self, event_id: str, content: str, *, at: datetime) -> dict[str, str]:
        """The headers of an attempt at that time."""
        signatures = [Webhook(secret).sign(event_id, at, content) for secret in self.secrets]
        return {
            "webhook-id": event_id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": " ".join(signatures),
        }
