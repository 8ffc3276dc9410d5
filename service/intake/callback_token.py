"""Signed callback URLs. The provider signs nothing, so the URL it was given is the proof that we gave it.

A token is the last path segment: what was minted, signed. Verifying needs no body
and no database; whether it was revoked is asked separately.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from service.intake.signing import Signer

LONGEST_URL = 2048
"""Characters that the provider accepts in a callback_url."""

_SALT = "darkroom.callback-token.1"
_REMEMBERED = 1024
"""Texts that were read last: a team's URL is called over and over, and what it says stays the same. Its time and its
revocation are looked at each time."""


@dataclass(frozen=True, slots=True)
class CallbackToken:
    """What a callback URL was minted with. Times have whole seconds."""

    id: str
    source: str
    issued_at: datetime
    expires_at: datetime | None = None
    task_id: str | None = None
    ref: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


def new_token_id() -> str:
    return secrets.token_urlsafe(9)


class TokenSigner:
    """Signs with the first secret, verifies with all of them, so that secrets can be rotated."""

    def __init__(self, signing_secrets: Sequence[str]) -> None:
        self._signer = Signer(signing_secrets, salt=_SALT, longest=LONGEST_URL)
        self._claims = lru_cache(maxsize=_REMEMBERED)(self._signer.read)

    def sign(self, token: CallbackToken) -> str:
        claims = {
            "i": token.id,
            "s": token.source,
            "t": int(token.issued_at.timestamp()),
            "x": int(token.expires_at.timestamp()) if token.expires_at else None,
            "k": token.task_id,
            "r": token.ref,
            "g": dict(token.tags),
        }
        return self._signer.sign({name: value for name, value in claims.items() if value not in (None, {})})

    def verify(self, text: str, *, source: str, now: datetime) -> CallbackToken | None:
        """The token, or None when the signature, the source or the time is wrong; compares in constant time."""
        if len(text) > LONGEST_URL:  # nor is it remembered
            return None
        claims: dict[str, Any] | None = self._claims(text)
        if claims is None:
            return None
        expires_at = datetime.fromtimestamp(claims["x"], UTC) if "x" in claims else None
        if claims["s"] != source or (expires_at is not None and expires_at <= now):
            return None
        return CallbackToken(
            id=claims["i"],
            source=claims["s"],
            issued_at=datetime.fromtimestamp(claims["t"], UTC),
            expires_at=expires_at,
            task_id=claims.get("k"),
            ref=claims.get("r"),
            tags=claims.get("g", {}),
        )


def callback_url(public_url: str, token: CallbackToken, signer: TokenSigner) -> str:
    return f"{public_url}/callbacks/{token.source}/{signer.sign(token)}"
