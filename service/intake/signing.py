"""Signed text for URLs: HMAC-SHA256 by itsdangerous, secrets that rotate. What is signed is the business of others."""

import hashlib
from collections.abc import Sequence
from typing import Any

from itsdangerous import BadData, URLSafeSerializer
from itsdangerous.encoding import base64_decode, base64_encode


class Signer:
    """Signs with the first secret, verifies with all of them. `salt` keeps one kind of text from passing as another."""

    def __init__(self, signing_secrets: Sequence[str], *, salt: str, longest: int) -> None:
        if not signing_secrets or not all(signing_secrets):
            raise ValueError("a signing secret is needed")
        self._longest = longest
        self._serializer = URLSafeSerializer(
            list(reversed(signing_secrets)),  # itsdangerous signs with the last
            salt=salt,
            signer_kwargs={"digest_method": hashlib.sha256, "key_derivation": "hmac"},
        )

    def sign(self, value: Any) -> str:
        return self._serializer.dumps(value)

    def read(self, text: str) -> Any:
        """What was signed, or None; compares in constant time, and takes a signature in one spelling only."""
        if not text.isascii() or len(text) > self._longest:
            return None
        try:
            value = self._serializer.loads(text)
            signature = text.rpartition(".")[2].encode()
            return value if base64_encode(base64_decode(signature)) == signature else None
        except BadData:
            return None
