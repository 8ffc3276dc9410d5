"""Sessions of browsers: who logged in with which key, and until when. Pure; times are passed in.

A session is a key that a browser holds in another form: it opens what the key opens, and ends with the key.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from service.domain.api_key import ApiKey

LIFETIME = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Session:
    """A login by the key of this id, when it had this hash; whoever gives a key another secret ends its sessions."""

    key_id: str
    key_print: str
    expires_at: datetime

    def opens(self, key: ApiKey, now: datetime) -> bool:
        """Whether it is still as good as the key, which may be good for nothing itself."""
        return self.expires_at > now and (self.key_id, self.key_print) == (key.id, print_of(key))


def begun(key: ApiKey, now: datetime) -> Session:
    """A login now; it lives no longer than its key."""
    ends = now + LIFETIME
    return Session(key.id, print_of(key), min(ends, key.expires_at) if key.expires_at is not None else ends)


def print_of(key: ApiKey) -> str:
    """What a session remembers of a key's secret: enough to notice another one."""
    return key.sha256[:16]
