"""Sessions as signed text, for a cookie; and the token that a page's writes carry, so that no other site writes.

Nothing of a session is kept here: what it opens is looked up among the keys whenever it is shown.
"""

import hmac
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime

from service.domain.api_key import ApiKey, Denial
from service.domain.session import Session, begun
from service.intake.signing import Signer
from service.keys.known import Denied, KnownKeys

_LONGEST = 512


class Sessions:
    """Signs sessions with the first secret, and reads those of all."""

    def __init__(self, signing_secrets: Sequence[str], *, known: KnownKeys) -> None:
        self._signer = Signer(signing_secrets, salt="darkroom.session.1", longest=_LONGEST)
        self._guard = Signer(signing_secrets, salt="darkroom.csrf.1", longest=2 * _LONGEST)
        self._known = known

    def begin(self, key: ApiKey, *, now: datetime) -> tuple[str, Session]:
        """A new session as text, each another one."""
        session = begun(key, now)
        expires = int(session.expires_at.timestamp())
        return self._signer.sign([session.key_id, session.key_print, expires, secrets.token_urlsafe(6)]), session

    def key_of(self, text: str, *, now: datetime) -> ApiKey | Denied:
        """The key that this session was begun with, if both are still good."""
        signed = self._signer.read(text)
        if signed is None:
            return Denied(Denial.UNKNOWN)
        key_id, key_print, expires, _ = signed
        session = Session(key_id, key_print, datetime.fromtimestamp(expires, UTC))
        key = self._known.named(session.key_id, now=now)
        if isinstance(key, ApiKey) and not session.opens(key, now):
            return Denied(Denial.EXPIRED, key)
        return key

    def write_token(self, text: str) -> str:
        """What a page of this session shows with whatever it changes."""
        return self._guard.sign(text).rpartition(".")[2]

    def may_write(self, text: str, token: str) -> bool:
        """Whether a token is that of the session."""
        shown = f"{self._guard.sign(text).rpartition('.')[0]}.{token}"
        read = self._guard.read(shown)
        return isinstance(read, str) and hmac.compare_digest(read.encode(), text.encode())
