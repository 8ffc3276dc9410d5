"""Signed links to our own archived images, for `<img>` and for people without a key. Revocable by their id."""

import secrets
from collections.abc import Sequence
from datetime import datetime

from service.intake.signing import Signer

_SALT = "darkroom.asset-link.1"
_LONGEST = 512


def new_link_id() -> str:
    return secrets.token_urlsafe(9)


class AssetLinkSigner:
    """Signs link ids with their expiry."""

    def __init__(self, signing_secrets: Sequence[str]) -> None:
        self._signer = Signer(signing_secrets, salt=_SALT, longest=_LONGEST)

    def sign(self, link_id: str, expires_at: datetime | None) -> str:
        return self._signer.sign([link_id, int(expires_at.timestamp()) if expires_at else 0])

    def verify(self, text: str, *, now: datetime) -> str | None:
        """The link's id, or None when it is forged or expired."""
        signed = self._signer.read(text)
        if signed is None:
            return None
        link_id, expires = signed
        return str(link_id) if not expires or expires > now.timestamp() else None
