"""Signed links to our own archived images, for `<img>` and for people without a key. Revocable by their id."""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime

from itsdangerous import BadData, URLSafeSerializer

_SALT = "darkroom.asset-link.1"
_LONGEST = 512


def new_link_id() -> str:
    return secrets.token_urlsafe(9)


class AssetLinkSigner:
    """Signs link ids with the first secret, verifies with all of them."""

    def __init__(self, signing_secrets: Sequence[str]) -> None:
        self._serializer = URLSafeSerializer(
            list(reversed(signing_secrets)),
            salt=_SALT,
            signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"},
        )

    def sign(self, link_id: str, expires_at: datetime | None) -> str:
        return self._serializer.dumps([link_id, int(expires_at.timestamp()) if expires_at else 0])

    def verify(self, text: str, *, now: datetime) -> str | None:
        """The link's id, or None when it is forged or expired."""
        if not text.isascii() or len(text) > _LONGEST:
            return None
        try:
            link_id, expires = self._serializer.loads(text)
        except BadData:
            return None
        return str(link_id) if not expires or expires > now.timestamp() else None
